// The filters in the order in which convolutions read them: tiles of TILE_M outputs × K_TILE rows
// of K, those of a block one after the other (see gather.cuh for what a row of K is).
//
//     FORMAT 64, 32   exact: [K_TILE][TILE_M] numbers, of which a thread reads neighbours in a row
//     FORMAT 19       TF32: fragments of 16 outputs × 8 rows, 128 words: four for each lane
//     FORMAT 16       half: fragments of 16 outputs × 16 rows, 128 words of two halves
//
// Rows and outputs that are not there, at the ends, are zeros: x's rows there are zeros too, but
// 0 · NaN would be NaN.
//
// A thread has one place in a tile, and fills it in STRIP tiles that follow one another. With RUN =
// 16 these are the same channel under one tap after another, which lie together in w: the first
// read brings the others into the L1 cache. Each number is read once and written once.
//
// TILE_M, RUN and FORMAT are macros.
#include "plan.cuh"
#include "tensor_core.cuh"

constexpr int STRIP = 16;
#if FORMAT > 19
typedef real word;
constexpr int WORDS = TILE_M * K_TILE;  // of a tile
#else
typedef unsigned word;  // bits, in an array of float
constexpr int WORDS = TILE_M / 16 * (K_TILE / (FORMAT == 16 ? 16 : 8)) * 128;
#endif

// A group's filters: where the weight of output m, channel c and a tap lies.
struct Filters {
    const real* first;
    index_t m_step, c_step;
    int outputs, channels, taps_at, taps;
    const int* all_taps;

    __device__ __forceinline__ real at(int m, int k) const {
        int run = k / RUN, c = run / taps * RUN + k % RUN;
        if (m >= outputs || c >= channels) return 0;
        return first[m * m_step + c * c_step + tap_of(all_taps, taps_at + run % taps).w];
    }
};

// What stands at one place of a tile whose first output is m and whose first row is k.
__device__ __forceinline__ word word_of(const Filters& w, int place, int m, int k) {
#if FORMAT > 19
    return w.at(m + place % TILE_M, k + place / TILE_M);
#else
    int of_lane = place % 4, lane = place / 4 % 32, fragment = place / 128;
    m += fragment % (TILE_M / 16) * 16 + lane / 4 + of_lane % 2 * 8;
#if FORMAT == 19
    k += fragment / (TILE_M / 16) * 8 + lane % 4 + of_lane / 2 * 4;
    return Tf32::rounded(w.at(m, k));
#else
    k += lane % 4 + of_lane / 2 * 8;
    return Half::rounded(w.at(m, k), w.at(m, k + 4));
#endif
#endif
}

extern "C" __global__ void pack(const real* __restrict__ w, real* __restrict__ packed,
                                const int* __restrict__ plan_words, const int* __restrict__ taps,
                                index_t group_step, index_t m_step, index_t c_step) {
    const Plan& plan = plan_of(plan_words);
    int group = blockIdx.z / plan.classes;
    const Class& part = class_of(plan_words, blockIdx.z % plan.classes);
    int row_blocks = (plan.outputs + TILE_M - 1) / TILE_M;
    int place = blockIdx.x * blockDim.x + threadIdx.x;
    int row_block = place / WORDS;
    if (row_block >= row_blocks) return;
    Filters filters = {w + group * group_step, m_step,       c_step,    plan.outputs,
                       plan.channels,          part.taps_at, part.taps, taps};
    index_t first = index_t(group * row_blocks + row_block) * plan.tiles + part.tiles_at;
    int begin = blockIdx.y * STRIP, end = min(begin + STRIP, part.tiles);
    for (int tile = begin; tile < end; tile++)
        reinterpret_cast<word*>(packed)[(first + tile) * WORDS + place % WORDS] =
            word_of(filters, place % WORDS, row_block * TILE_M, tile * K_TILE);
}
