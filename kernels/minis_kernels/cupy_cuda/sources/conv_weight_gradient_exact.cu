// The gradient of a convolution's filters (weight_gradient.cuh) in float32 or float64 as they are.
//
//      slot of shared memory        dy  [TILE_M rows][PIXELS + a pack]
//                                   x   [TILE_N rows][PIXELS + a pack]
//
// A pack is 16 bytes. Thread (i, j) = (t / ACROSS, t % ACROSS) has rows i, i + DOWN, … of dy and
// j, j + ACROSS, … of x, OWN_M and OWN_N of them, and reads of each a pack of pixels at a time. Eight
// lanes read eight rows of x that follow one another: since a row is a pack longer than 128 bytes,
// they touch all 32 banks once. Of dy they read the same pack, which costs one bank's time.
//
// TILE_M, TILE_N, OWN_M, OWN_N, RUN, STAGES, SHARED and BLOCKS are macros, set by conv_tiles.py.
#include "weight_gradient.cuh"

#include "register_tile.cuh"

constexpr int ACROSS = TILE_N / OWN_N, DOWN = TILE_M / OWN_M;
constexpr int PITCH = PIXELS + PACK;
constexpr int SLOT = (TILE_M + TILE_N) * PITCH * sizeof(real);

static_assert(ACROSS * DOWN == THREADS, "a column a thread");
static_assert(SHARED >= STAGES * SLOT && SHARED >= DOWN * TILE_N * sizeof(real), "too little");

struct Padded {
    static __device__ __forceinline__ int at(int row, int k) { return row * PITCH + k; }
};

__device__ __forceinline__ void multiply_tile(const real* dy, const real* x,
                                              real (&sum)[OWN_M][OWN_N]) {
    int of_m = threadIdx.x / ACROSS, of_n = threadIdx.x % ACROSS;
#pragma unroll 1
    for (int k = 0; k < PIXELS; k += PACK) {
        Numbers a[OWN_M];
#pragma unroll
        for (int i = 0; i < OWN_M; i++) a[i] = pack_at(dy + Padded::at(of_m + i * DOWN, k));
#pragma unroll
        for (int j = 0; j < OWN_N; j++) {
            Numbers b = pack_at(x + Padded::at(of_n + j * ACROSS, k));
#pragma unroll
            for (int e = 0; e < PACK; e++)
#pragma unroll
                for (int i = 0; i < OWN_M; i++) sum[i][j] += a[i].v[e] * b.v[e];
        }
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
weight_gradient(const real* __restrict__ dy, const real* __restrict__ x, real* __restrict__ dw,
                const int* __restrict__ plan_words, const int* __restrict__ taps, int splits,
                index_t part_size) {
    DYNAMIC_SHARED(float4, shared);
    Work work(plan_words, splits);
    Reader<Padded> reader(dy, x, taps, work);
    real sum[OWN_M][OWN_N] = {};
    stream<SLOT>(
        shared, work.end - work.tile,
        [&](char* slot, int) {
            real* rows = reinterpret_cast<real*>(slot);
            reader.fetch(rows, rows + TILE_M * PITCH);
        },
        [&](const char* slot) {
            const real* rows = reinterpret_cast<const real*>(slot);
            multiply_tile(rows, rows + TILE_M * PITCH, sum);
        });

    Column column = column_of(work, taps, dw + work.split * part_size);
    real* staged = reinterpret_cast<real*>(shared);
    int of_m = threadIdx.x / ACROSS, of_n = threadIdx.x % ACROSS;
#pragma unroll
    for (int i = 0; i < OWN_M; i++) {
        __syncthreads();  // all have multiplied the last tile, or written the rows before
#pragma unroll
        for (int j = 0; j < OWN_N; j++) staged[of_m * TILE_N + of_n + j * ACROSS] = sum[i][j];
        __syncthreads();  // the rows are whole
#pragma unroll 8
        for (int row = 0; row < DOWN; row++)
            column.write(row + i * DOWN, staged[row * TILE_N + threadIdx.x]);
    }
}
