// Binary cross-entropy of logits: one pass for the loss, one for the gradient, 16 bytes at a time.
//
//     bytes per number, float32      forward 8      backward 12      and the weight's 4
//
// The NumPy text has an array for each step of its formula. No thread has more than 64 numbers of
// the loss; what blocks leave is added up in double.

#include "pack.cuh"
#include "reduction.cuh"

// max(x, 0) − x·t + log(1 + e^−|x|)
__device__ __forceinline__ real bce(real x, real t) {
    return (x < 0 ? real(0) : x) - x * t + real(log1p(exp(x < 0 ? x : -x)));
}

// sigmoid(x) − t
__device__ __forceinline__ real bce_slope(real x, real t) {
    real e = exp(x < 0 ? x : -x);
    return (x < 0 ? e : real(1)) / (1 + e) - t;
}

extern "C" __global__ void bce_with_logits(const real* __restrict__ x, const real* __restrict__ t,
                                           const real* __restrict__ weight,
                                           double* __restrict__ partial, index_t count,
                                           index_t packs) {
    __shared__ double sums[WARP];
    real total = 0;
    each_pack(count, packs, [&](auto width, index_t at) {
        auto a = load(width, x + at), b = load(width, t + at), w = a;
        if (weight) w = load(width, weight + at);
        for (int k = 0; k < width.count; k++)
            total += bce(a.v[k], b.v[k]) * (weight ? w.v[k] : real(1));
    });
    double of_block = block_sum(total, sums);
    if (threadIdx.x == 0) partial[blockIdx.x] = of_block;
}

// One block adds up what the others left.
extern "C" __global__ void bce_loss(const double* __restrict__ partial, int blocks, double divisor,
                                    real* __restrict__ loss) {
    __shared__ double sums[WARP];
    double total = array_sum(partial, blocks, sums);
    if (threadIdx.x == 0) loss[0] = total / divisor;
}

// The gradient of each number's loss is `upstream`, times the number at `dloss` if that lies on the
// GPU.
extern "C" __global__ void bce_with_logits_backward(
    const real* __restrict__ x, const real* __restrict__ t, const real* __restrict__ weight,
    double upstream, const double* __restrict__ dloss, real* __restrict__ dx, index_t count,
    index_t packs) {
    real factor = dloss ? upstream * dloss[0] : upstream;
    each_pack(count, packs, [&](auto width, index_t at) {
        auto a = load(width, x + at), b = load(width, t + at), w = a;
        if (weight) w = load(width, weight + at);
        for (int k = 0; k < width.count; k++)
            a.v[k] = bce_slope(a.v[k], b.v[k]) * (weight ? w.v[k] : real(1)) * factor;
        store(dx + at, a);
    });
}
