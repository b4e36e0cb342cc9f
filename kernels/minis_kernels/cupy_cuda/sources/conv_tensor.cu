// Convolution by tensor cores: the gather of gather.cuh, in TF32 or half, summed in float32.
//
// Who sums what is drawn in tensor_tile.cuh. For a step of K, 8 rows in TF32 and 16 in half, a warp
// of 64 × 64 reads
//
//     W   64 rows       4 × 16 bytes a lane
//     x   64 columns    2 · 2 × 16 bytes a lane, in half 2 · 4
//
// and starts 32 products: for each it reads 128 bytes in TF32, what shared memory gives in a cycle.
//
//      slot of shared memory        W  fragments of 16 rows × one step of K
//                                   x  [16 rows of K][TILE_N pixels + 8]
//
// W was packed (conv_pack.cu) in the order in which lanes take it, and rounded: a fragment is 512
// bytes that lie together, 16 a lane, and 8 lanes touch all 32 banks once.
//
// x lies as it came, and is rounded on its way to the registers. A lane reads 4 neighbours of row t,
// then of t + 4, and so on, at 4g. Since a row has 8 numbers more than pixels, 8 lanes, of two g and
// four t, touch banks 8t + 4g … + 3: all 32, once. The rows of K that a register holds are then not
// those of the manual for half, but W is packed for the same ones, and a sum has no order.
//
// What a multiprocessor of sm_90 holds, of 65536 registers and 228 KiB, in TF32 with 4 slots:
//
//     tile         registers of a thread    a block's shared memory    blocks    warps
//     128 × 128            218                     66 KiB                 2         8
//      64 × 128            142                     50 KiB                 3        12
//      32 × 128            110                     42 KiB                 4        16
//      16 × 128             88                     38 KiB                 5        20
//
// Few warps, but the copies of three more tiles are on their way, and each warp has 32 products to
// start that don't wait for one another.
//
// TILE_M, TILE_N, WARP_M, WARP_N, RUN, STAGES, SHARED, BLOCKS and TF32 (0: half) are macros, set by
// conv_tiles.py. `splits` blocks share a tile of y where there would be too few blocks: each sums
// its part of K, and `add_parts` (conv_sums.cu) adds them up.
#include "gather.cuh"
#include "tensor_tile.cuh"

constexpr int STEPS = K_TILE / Precision::depth;
constexpr int PITCH = TILE_N + 8;                   // of a row of x, in numbers
constexpr int W_BYTES = TILE_M / 16 * STEPS * 512;  // of a tile
constexpr int SLOT = W_BYTES + K_TILE * PITCH * 4;

static_assert(SHARED >= STAGES * SLOT, "too little shared memory");

// Multiply a warp's rows of W by its columns of x.
__device__ __forceinline__ void multiply_tile(const uint4* w, const float* x, Sums& sum) {
    int lane = threadIdx.x % 32, g = lane / 4, t = lane % 4;
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
        unsigned a[M_PRODUCTS][4];
#pragma unroll
        for (int i = 0; i < M_PRODUCTS; i++) {
            uint4 v = w[(step * (TILE_M / 16) + i) * 32 + lane];
            a[i][0] = v.x, a[i][1] = v.y, a[i][2] = v.z, a[i][3] = v.w;
        }
#pragma unroll
        for (int j = 0; j < WARP_N / 32; j++) {
            const float* at = x + (step * Precision::depth + t) * PITCH + 32 * j + 4 * g;
            float rows[Precision::depth / 4][4];
#pragma unroll
            for (int r = 0; r < Precision::depth / 4; r++) {
                float4 v = *reinterpret_cast<const float4*>(at + 4 * r * PITCH);
                rows[r][0] = v.x, rows[r][1] = v.y, rows[r][2] = v.z, rows[r][3] = v.w;
            }
#pragma unroll
            for (int e = 0; e < 4; e++) {
#if TF32
                unsigned b[2] = {Tf32::rounded(rows[0][e]), Tf32::rounded(rows[1][e])};
#else
                unsigned b[2] = {Half::rounded(rows[0][e], rows[1][e]),
                                 Half::rounded(rows[2][e], rows[3][e])};
#endif
#pragma unroll
                for (int i = 0; i < M_PRODUCTS; i++)
                    multiply_add(Precision(), sum[i][4 * j + e], a[i], b);
            }
        }
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
    Reader<W_BYTES, PITCH> reader(x, weights, taps, work, pixel);
    Sums sum = {};
    stream<SLOT>(
        shared, work.end - work.tile, [&](char* slot, int tile) { reader.fetch(slot, tile); },
        [&](const char* slot) {
            multiply_tile(reinterpret_cast<const uint4*>(slot) + warp_m() / 16 * 32,
                          reinterpret_cast<const float*>(slot + W_BYTES) + warp_n(), sum);
        });
    write_out(sum, shared, column_of(work, pixel, y + work.split * part_size, bias));
}
