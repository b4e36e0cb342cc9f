// Overlaps of boxes, and non-maximum suppression.
//
// Suppression takes two kernels, and boxes best first. The first compares all pairs, 64 boxes with
// 64 a block, and notes in a word of 64 bits which of the latter each of the former would drop:
// R²/16 bytes for R boxes, of which half are written. The second, one block, walks down the list 64
// boxes at a time:
//
//     removed   one bit a box, in shared memory: dropped by a better one that stays
//     1. one thread decides about the 64, each by what the ones before it drop
//     2. those that stay are written down
//     3. all threads add what these drop to `removed`, each thread words of its own
//
// Every operation is rounded as in the NumPy text (no product merges with a sum), and so decisions
// are the same.

#include "planes.cuh"

constexpr int WORD = 64;
typedef unsigned long long word_t;

struct alignas(16) Box {
    real x1, y1, x2, y2;
};

__device__ __forceinline__ Box box_of(const real* boxes, index_t i) {
    const real* row = boxes + 4 * i;
    return {row[0], row[1], row[2], row[3]};
}

// 0, or NaN where a coordinate is not finite.
__device__ __forceinline__ real oddness(const Box& b) {
    return (b.x1 - b.x1) + (b.y1 - b.y1) + (b.x2 - b.x2) + (b.y2 - b.y2);
}

__device__ __forceinline__ real area(const Box& b) { return product(b.x2 - b.x1, b.y2 - b.y1); }

__device__ __forceinline__ real overlap(const Box& a, const Box& b) {
    real width = (a.x2 < b.x2 ? a.x2 : b.x2) - (a.x1 > b.x1 ? a.x1 : b.x1);
    real height = (a.y2 < b.y2 ? a.y2 : b.y2) - (a.y1 > b.y1 ? a.y1 : b.y1);
    real common = product(width > 0 ? width : real(0), height > 0 ? height : real(0));
    return common / (area(a) + area(b) - common);
}

// A thread keeps a box of b and goes through those of a: one number written for each pair. Boxes
// that aren't finite overlap by NaN.
extern "C" __global__ void box_iou(const real* __restrict__ a, const real* __restrict__ b,
                                   real* __restrict__ iou, int rows, int columns) {
    EACH_CELL(j, columns) {
        Box second = box_of(b, j);
        real odd = oddness(second);
        EACH_PLANE(i, rows) {
            Box first = box_of(a, i);
            iou[index_t(i) * columns + j] = overlap(first, second) + (odd + oddness(first));
        }
    }
}

// Block (c, r) of WORD threads compares the r-th 64 boxes with the c-th. `labels` may be null. What
// is malformed, a box that isn't finite or a score that is NaN, is told in state[1].
extern "C" __global__ void compare(const real* __restrict__ boxes, const real* __restrict__ scores,
                                   const index_t* __restrict__ labels,
                                   const index_t* __restrict__ order,
                                   unsigned long long* __restrict__ drops, index_t* state,
                                   int count, double threshold) {
    __shared__ Box others[WORD];
    __shared__ index_t their_labels[WORD];
    int words = (count + WORD - 1) / WORD, word = blockIdx.x;
    int i = blockIdx.y * WORD + threadIdx.x, j = word * WORD + threadIdx.x;
    // a box drops none that is better: the walk never looks at such bits
    if (word < blockIdx.y) return;
    if (j < count) {
        index_t at = order[j];
        others[threadIdx.x] = box_of(boxes, at);
        their_labels[threadIdx.x] = labels ? labels[at] : 0;
    }
    __syncthreads();
    if (i >= count) return;
    index_t at = order[i];
    Box mine = box_of(boxes, at);
    index_t label = labels ? labels[at] : 0;
    word_t bits = 0;
    for (int k = 0; k < min(WORD, count - word * WORD); k++)
        if (their_labels[k] == label && double(overlap(mine, others[k])) > threshold)
            bits |= word_t(1) << k;
    drops[index_t(i) * words + word] = bits;
    if (word == blockIdx.y && (oddness(mine) != 0 || scores[at] != scores[at])) state[1] = 1;
}

// The only block keeps `removed`, one word for every 64 boxes, in dynamic shared memory. state[0]
// becomes how many stay.
extern "C" __global__ void walk(const unsigned long long* __restrict__ drops,
                                const index_t* __restrict__ order, index_t* __restrict__ kept,
                                index_t* state, int count) {
    DYNAMIC_SHARED(word_t, removed);
    __shared__ word_t among[WORD], stay;
    int words = (count + WORD - 1) / WORD, t = threadIdx.x;
    index_t found = 0;
    for (int w = t; w < words; w += blockDim.x) removed[w] = 0;
    for (int word = 0; word < words; word++) {
        int first = word * WORD, here = min(WORD, count - first);
        if (t < here) among[t] = drops[index_t(first + t) * words + word];
        __syncthreads();  // for `among`, and for what was added to `removed`
        if (t == 0) {
            word_t gone = removed[word], staying = 0;
            for (int k = 0; k < here; k++)
                if (!(gone >> k & 1)) staying |= word_t(1) << k, gone |= among[k];
            stay = staying;
        }
        __syncthreads();
        word_t staying = stay;
        if (t < here && (staying >> t & 1))
            kept[found + __popcll(staying & ((word_t(1) << t) - 1))] = order[first + t];
        found += __popcll(staying);
        for (int w = word + 1 + t; w < words; w += blockDim.x) {
            word_t bits = removed[w];
            for (word_t rest = staying; rest; rest &= rest - 1)
                bits |= drops[index_t(first + __ffsll(rest) - 1) * words + w];
            removed[w] = bits;
        }
    }
    if (t == 0) state[0] = found;
}
