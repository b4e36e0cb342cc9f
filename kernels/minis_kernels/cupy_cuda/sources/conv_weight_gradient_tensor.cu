// The gradient of a convolution's filters by tensor cores (weight_gradient.cuh), in TF32 or half.
//
//      slot of shared memory        dy  [TILE_M rows][32 pixels]
//                                   x   [TILE_N rows][32 pixels]
//
// A lane reads 4 neighbouring pixels of a row at once: with t = lane % 4 it has pixels 4t … 4t + 3
// of 16, which is all that it needs of two products in TF32, or of one in half. The pixels that a
// register holds are then not those of the manual, but the same in both matrices.
//
// Eight lanes that read together have two rows and four places each. A row is 32 numbers long, so
// that all rows begin at bank 0: the two would meet. Hence in every other row the packs of four
// change places, number p with p ^ 4. The rows are g and g + 1 in dy, 4g + e and 4g + 4 + e in x:
// those are exchanged whose bits 0 and 2 differ, and of two such rows always one is.
//
// Of x and dy each is rounded on its way to the registers.
//
// On sm_90 a thread of 128 × 128 takes 238 registers in TF32, a block 96 KiB in three slots: two
// blocks on a multiprocessor, 8 warps.
//
// TILE_M, TILE_N, WARP_M, WARP_N, RUN, STAGES, SHARED, BLOCKS and TF32 (0: half) are macros, set by
// conv_tiles.py.
#include "weight_gradient.cuh"

#include "tensor_tile.cuh"

struct Exchanged {
    static __device__ __forceinline__ int pack_at(int row, int pack) {
        return row * PIXELS + (pack ^ ((row >> 2 ^ row) & 1) * 4) * 4;
    }
    static __device__ __forceinline__ int at(int row, int k) {
        return pack_at(row, k / 4) + k % 4;
    }
};

constexpr int SLOT = (TILE_M + TILE_N) * PIXELS * 4;
static_assert(SHARED >= STAGES * SLOT, "too little shared memory");

constexpr int PRODUCTS = 16 / Precision::depth;  // for 16 pixels

// Two packs' numbers as the registers of A, or one pack's as those of B, for one product or two.
__device__ __forceinline__ void rounded(const float4& v, unsigned (&low)[PRODUCTS],
                                        unsigned (&high)[PRODUCTS]) {
#if TF32
    low[0] = Tf32::rounded(v.x), high[0] = Tf32::rounded(v.y);
    low[1] = Tf32::rounded(v.z), high[1] = Tf32::rounded(v.w);
#else
    low[0] = Half::rounded(v.x, v.y), high[0] = Half::rounded(v.z, v.w);
#endif
}

__device__ __forceinline__ float4 four_of(const float* rows, int row, int pack) {
    return *reinterpret_cast<const float4*>(rows + Exchanged::pack_at(row, pack));
}

__device__ __forceinline__ void multiply_tile(const float* dy, const float* x, Sums& sum) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll 1  // two at once would not fit into the registers
    for (int k = 0; k < PIXELS / 4; k += 4) {  // packs
        unsigned a[PRODUCTS][M_PRODUCTS][4];
#pragma unroll
        for (int i = 0; i < M_PRODUCTS; i++) {
            unsigned low[2][PRODUCTS], high[2][PRODUCTS];
#pragma unroll
            for (int r = 0; r < 2; r++)
                rounded(four_of(dy, warp_m() + 16 * i + 8 * r + g, k + t), low[r], high[r]);
#pragma unroll
            for (int p = 0; p < PRODUCTS; p++) {
                a[p][i][0] = low[0][p], a[p][i][1] = low[1][p];
                a[p][i][2] = high[0][p], a[p][i][3] = high[1][p];
            }
        }
#pragma unroll
        for (int n = 0; n < N_PRODUCTS; n++) {
            int row = warp_n() + n / 4 * 32 + 4 * g + n % 4;
            unsigned low[PRODUCTS], high[PRODUCTS];
            rounded(four_of(x, row, k + t), low, high);
#pragma unroll
            for (int p = 0; p < PRODUCTS; p++) {
                unsigned b[2] = {low[p], high[p]};
#pragma unroll
                for (int i = 0; i < M_PRODUCTS; i++)
                    multiply_add(Precision(), sum[i][n], a[p][i], b);
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
weight_gradient(const real* __restrict__ dy, const real* __restrict__ x, real* __restrict__ dw,
                const int* __restrict__ plan_words, const int* __restrict__ taps, int splits,
                index_t part_size) {
    DYNAMIC_SHARED(float4, shared);
    Work work(plan_words, splits);
    Reader<Exchanged> reader(dy, x, taps, work);
    Sums sum = {};
    stream<SLOT>(
        shared, work.end - work.tile,
        [&](char* slot, int) {
            real* rows = reinterpret_cast<real*>(slot);
            reader.fetch(rows, rows + TILE_M * PIXELS);
        },
        [&](const char* slot) {
            const float* rows = reinterpret_cast<const float*>(slot);
            multiply_tile(rows, rows + TILE_M * PIXELS, sum);
        });
    write_out(sum, shared, column_of(work, taps, dw + work.split * part_size));
}
