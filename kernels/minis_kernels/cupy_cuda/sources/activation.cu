// Activations: a number is read once, goes through its formula in registers, and is written once.
//
//     bytes per number, float32      forward 8      backward 12
//
// The NumPy text takes as many for each step of its formula.
// All but prelu's treat an array as one line of numbers and take 16 bytes of it at a time (see
// pack.cuh). PReLU's slope changes from channel to channel: a channel is a row of rows.cuh. Its
// backward leaves the sum of each block's share of da, in double, and prelu_slopes adds them up.
//
// Nothing is computed that memory doesn't hide, so the measure is the share of the copy bandwidth.
// Comparisons are so turned that NaN, which is neither above nor below, stays NaN.

#include "reduction.cuh"
#include "rows.cuh"

extern "C" __global__ void relu(const real* __restrict__ x, real* __restrict__ y, index_t count,
                                index_t packs) {
    map(x, y, count, packs, [](real v) { return v < 0 ? real(0) : v; });
}

extern "C" __global__ void relu_backward(const real* __restrict__ dy, const real* __restrict__ y,
                                         real* __restrict__ dx, index_t count, index_t packs) {
    map(dy, y, dx, count, packs, [](real g, real v) { return v <= 0 ? real(0) : g; });
}

extern "C" __global__ void elu(const real* __restrict__ x, real* __restrict__ y, index_t count,
                               index_t packs, real alpha) {
    map(x, y, count, packs, [=](real v) { return v > 0 ? v : alpha * real(expm1(v)); });
}

extern "C" __global__ void elu_backward(const real* __restrict__ dy, const real* __restrict__ y,
                                        real* __restrict__ dx, index_t count, index_t packs,
                                        real alpha) {
    map(dy, y, dx, count, packs, [=](real g, real v) { return v > 0 ? g : g * (v + alpha); });
}

extern "C" __global__ void sigmoid(const real* __restrict__ x, real* __restrict__ y, index_t count,
                                   index_t packs) {
    map(x, y, count, packs, [](real v) {
        real e = exp(v < 0 ? v : -v);  // e^−|v| can't overflow
        return (v < 0 ? e : real(1)) / (1 + e);
    });
}

extern "C" __global__ void sigmoid_backward(const real* __restrict__ dy,
                                            const real* __restrict__ y, real* __restrict__ dx,
                                            index_t count, index_t packs) {
    map(dy, y, dx, count, packs, [](real g, real v) { return g * v * (1 - v); });
}

// The slopes are one for all channels, or one for each.
extern "C" __global__ void prelu(const real* __restrict__ x, const real* __restrict__ slopes,
                                 bool one_slope, real* __restrict__ y, index_t start,
                                 index_t stride, int length, int segments, int share, bool wide) {
    real slope = slopes[one_slope ? 0 : blockIdx.x];
    Rows rows = {start, stride, length, segments, share, wide};
    each_pack_of(rows, blockIdx.x, blockIdx.y, [&](auto width, index_t at, int) {
        auto v = load(width, x + at);
        for (int k = 0; k < width.count; k++) v.v[k] = v.v[k] > 0 ? v.v[k] : slope * v.v[k];
        store(y + at, v);
    });
}

extern "C" __global__ void prelu_backward(const real* __restrict__ dy, const real* __restrict__ x,
                                          const real* __restrict__ slopes, bool one_slope,
                                          real* __restrict__ dx, double* __restrict__ partial,
                                          index_t start, index_t stride, int length, int segments,
                                          int share, bool wide) {
    __shared__ double sums[WARP];
    real slope = slopes[one_slope ? 0 : blockIdx.x], total = 0;
    Rows rows = {start, stride, length, segments, share, wide};
    each_pack_of(rows, blockIdx.x, blockIdx.y, [&](auto width, index_t at, int) {
        auto g = load(width, dy + at), v = load(width, x + at);
        for (int k = 0; k < width.count; k++) {
            bool above = v.v[k] > 0;
            total += above ? real(0) : g.v[k] * v.v[k];
            g.v[k] = above ? g.v[k] : slope * g.v[k];
        }
        store(dx + at, g);
    });
    double of_block = block_sum(total, sums);
    if (threadIdx.x == 0) partial[index_t(blockIdx.x) * gridDim.y + blockIdx.y] = of_block;
}

// One block a slope adds up what `count` blocks of prelu_backward left for it.
extern "C" __global__ void prelu_slopes(const double* __restrict__ partial, int count,
                                        real* __restrict__ da) {
    __shared__ double sums[WARP];
    double total = array_sum(partial + index_t(blockIdx.x) * count, count, sums);
    if (threadIdx.x == 0) da[blockIdx.x] = total;
}
