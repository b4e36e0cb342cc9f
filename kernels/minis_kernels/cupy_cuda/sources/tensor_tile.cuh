// A block's sums as its tensor cores leave them, and their way to the threads that write them.
//
// A tile of results, TILE_M × TILE_N, is a block's, and WARP_M × WARP_N of it a warp's. 128 × 128:
//
//       TILE_N = 128
//      ┌───────┬───────┐     a warp's 64 × 64 are 4 × 8 products of 16 × 8, whose sums stay in
//      │ warp 0│ warp 1│     registers, 4 · 4 · 8 = 128 of them a thread
//      ├───────┼───────┤
//      │ warp 2│ warp 3│
//      └───────┴───────┘
//
// Column g of product 4j + e of a warp is column 32j + 4g + e of the warp's tile. Which it is makes
// no difference to a product, only to who holds its result, and lets a lane read columns 4g … 4g + 3
// at once, 16 bytes. Columns 2t and 2t + 1 are then 32j + 8t … + 7 of the tile.
#pragma once

#include "pipeline.cuh"
#include "tensor_core.cuh"

#if TF32
typedef Tf32 Precision;
#else
typedef Half Precision;
#endif

constexpr int M_PRODUCTS = WARP_M / 16, N_PRODUCTS = WARP_N / 8;
constexpr int ROWS = TILE_M / WARP_M * 16;  // that are staged at once
constexpr int STAGED = TILE_N + 4;          // a row of them

static_assert(TILE_M / WARP_M * (TILE_N / WARP_N) * 32 == THREADS, "a column a thread");
static_assert(SHARED >= ROWS * STAGED * 4, "too little shared memory");

typedef float Sums[M_PRODUCTS][N_PRODUCTS][4];

__device__ __forceinline__ int warp_m() { return threadIdx.x / 32 / (TILE_N / WARP_N) * WARP_M; }
__device__ __forceinline__ int warp_n() { return threadIdx.x / 32 % (TILE_N / WARP_N) * WARP_N; }

// 16 rows of each warp at a time pass through shared memory, to the thread that has their column:
// what it writes, with its neighbours, is one row after the other. A row has 4 numbers more than
// columns: 8 lanes, of two g and four t, write at 8t + 4g … + 3, all 32 banks.
__device__ __forceinline__ void write_out(const Sums& sum, void* shared, const Column& column) {
    float* staged = static_cast<float*>(shared);
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
    float* mine = staged + (warp_m() / WARP_M * 16 + g) * STAGED + warp_n() + 8 * t;
#pragma unroll
    for (int i = 0; i < M_PRODUCTS; i++) {
        __syncthreads();  // all have multiplied the last tile, or written the rows before
#pragma unroll
        for (int j = 0; j < WARP_N / 32; j++)
#pragma unroll
            for (int k = 0; k < 4; k++)  // k / 2: row g or g + 8, k % 2: column 2t or 2t + 1
                *reinterpret_cast<float4*>(mine + k / 2 * 8 * STAGED + 32 * j + k % 2 * 4) =
                    make_float4(sum[i][4 * j][k], sum[i][4 * j + 1][k], sum[i][4 * j + 2][k],
                                sum[i][4 * j + 3][k]);
        __syncthreads();  // the rows are whole
#pragma unroll 8
        for (int row = 0; row < ROWS; row++)
            column.write(row / 16 * WARP_M + 16 * i + row % 16,
                         staged[row * STAGED + threadIdx.x]);
    }
}
