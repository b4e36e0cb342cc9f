// Convolution in float32 or float64 as they are: the gather of gather.cuh, and multiply-adds.
//
// A tile of y, TILE_M × TILE_N, is a block's, and OWN_M × OWN_N of it a thread's: 8 × 8 of 64 × 128.
// One thread, one pixel, holds for what is read and written; for the sums in between, thread t has
// column share t % ACROSS and row share t / ACROSS (register_tile.cuh).
//
//      slot of shared memory        W [16 rows of K][TILE_M], as packed
//                                   x [16 rows of K][TILE_N], as gathered
//
// For one row of K, eight lanes read 128 bytes of x that lie together: all 32 banks, once. Of W they
// read the same 16 bytes, which costs one bank's time.
//
// STAGES slots are on their way or being computed, with one barrier a tile (pipeline.cuh).
// In the end results pass through shared memory, one row of each thread's at a time, to the thread
// whose pixel they are.
//
// On sm_90 a thread of 8 × 8 takes 153 registers in float32 and 250 in float64, a block of 64 × 128
// with four slots 48 and 96 KiB: three blocks on a multiprocessor, or two.
//
// TILE_M, TILE_N, OWN_M, OWN_N, RUN, STAGES, SHARED and BLOCKS are macros, set by conv_tiles.py.
#include "gather.cuh"
#include "register_tile.cuh"

typedef Share<TILE_M, OWN_M> Of_m;
typedef Share<TILE_N, OWN_N> Of_n;

constexpr int ACROSS = TILE_N / OWN_N, DOWN = TILE_M / OWN_M;
constexpr int W_BYTES = K_TILE * TILE_M * sizeof(real);  // of a tile
constexpr int SLOT = W_BYTES + K_TILE * TILE_N * sizeof(real);

static_assert(ACROSS * DOWN == THREADS, "a pixel a thread");
static_assert(SHARED >= STAGES * SLOT && SHARED >= DOWN * TILE_N * sizeof(real), "too little");

__device__ __forceinline__ void multiply_tile(const real* w, const real* x,
                                              real (&sum)[OWN_M][OWN_N]) {
    int of_m = threadIdx.x / ACROSS, of_n = threadIdx.x % ACROSS;
#pragma unroll
    for (int k = 0; k < K_TILE; k++) {
        Numbers a[Of_m::packs], b[Of_n::packs];
#pragma unroll
        for (int i = 0; i < Of_m::packs; i++)
            a[i] = pack_at(w + k * TILE_M + Of_m::place(of_m, i * PACK));
#pragma unroll
        for (int j = 0; j < Of_n::packs; j++)
            b[j] = pack_at(x + k * TILE_N + Of_n::place(of_n, j * PACK));
#pragma unroll
        for (int i = 0; i < OWN_M; i++)
#pragma unroll
            for (int j = 0; j < OWN_N; j++)
                sum[i][j] += a[i / PACK].v[i % PACK] * b[j / PACK].v[j % PACK];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
convolve(const real* __restrict__ x, const real* __restrict__ weights,
         const real* __restrict__ bias, real* __restrict__ y, const int* __restrict__ plan_words,
         const int* __restrict__ taps, int splits, index_t part_size) {
    DYNAMIC_SHARED(float4, shared);
    Work work(plan_words, splits);
    if (work.none()) return;
    Pixel pixel(work);
    Reader<W_BYTES, TILE_N> reader(x, weights, taps, work, pixel);
    real sum[OWN_M][OWN_N] = {};
    stream<SLOT>(
        shared, work.end - work.tile, [&](char* slot, int tile) { reader.fetch(slot, tile); },
        [&](const char* slot) {
            multiply_tile(reinterpret_cast<const real*>(slot),
                          reinterpret_cast<const real*>(slot + W_BYTES), sum);
        });

    Column column = column_of(work, pixel, y + work.split * part_size, bias);
    real* staged = reinterpret_cast<real*>(shared);
    int of_m = threadIdx.x / ACROSS, of_n = threadIdx.x % ACROSS;
#pragma unroll
    for (int i = 0; i < OWN_M; i++) {
        __syncthreads();  // all have multiplied the last tile, or written the rows before
#pragma unroll
        for (int j = 0; j < OWN_N; j++) staged[of_m * TILE_N + Of_n::place(of_n, j)] = sum[i][j];
        __syncthreads();  // the rows are whole
#pragma unroll 8
        for (int row = 0; row < DOWN; row++)
            column.write(Of_m::place(row, i), staged[row * TILE_N + threadIdx.x]);
    }
}
