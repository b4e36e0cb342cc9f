// Dice loss: each region's sums in one pass, the gradient in a second.
//
//     bytes per number, float32      forward 8      backward 8 + 12
//
// A plane of (N, K, *S) is a row of rows.cuh. A region is a class in one sample, or in all of them.
// In the gradient, two factors and a constant are left for each region:
//
//     ∂D/∂p = a·g − b·p − c        a = 2 / U    b = 2·I′ / U²    c = 0       with squares
//                                               b = 0            c = I′ / U²   without
//
// where I′ = 2·Σ p·g + smooth and U is D's denominator. The NumPy text has an array for each step.

#include "reduction.cuh"
#include "rows.cuh"

// Every part's Σ p·g, and Σ p² + g² or Σ p + g: (planes, parts).
extern "C" __global__ void dice_sums(const real* __restrict__ p, const real* __restrict__ g,
                                     bool squared, double* __restrict__ both,
                                     double* __restrict__ either, index_t start, index_t stride,
                                     int length, int segments, int share, bool wide) {
    __shared__ double sums[WARP];
    Rows rows = {start, stride, length, segments, share, wide};
    real product = 0, total = 0;
    each_pack_of(rows, blockIdx.x, blockIdx.y, [&](auto width, index_t at, int) {
        auto a = load(width, p + at), b = load(width, g + at);
        for (int k = 0; k < width.count; k++) {
            product += a.v[k] * b.v[k];
            total += squared ? a.v[k] * a.v[k] + b.v[k] * b.v[k] : a.v[k] + b.v[k];
        }
    });
    double of_both = block_sum(product, sums), of_either = block_sum(total, sums);
    if (threadIdx.x == 0) {
        index_t to = index_t(blockIdx.x) * gridDim.y + blockIdx.y;
        both[to] = of_both, either[to] = of_either;
    }
}

// A warp for each region: its sums become I′ and U. They are (samples, regions, parts), samples
// being those that share a region.
extern "C" __global__ void dice_coefficients(const double* __restrict__ both,
                                             const double* __restrict__ either, int samples,
                                             int parts, double smooth, double* __restrict__ above,
                                             double* __restrict__ below) {
    int region = blockIdx.x, regions = gridDim.x;
    double product = 0, total = 0;
    for (int i = threadIdx.x; i < samples * parts; i += WARP) {
        index_t at = (index_t(i / parts) * regions + region) * parts + i % parts;
        product += both[at], total += either[at];
    }
    product = warp_sum(product), total = warp_sum(total);
    if (threadIdx.x == 0) above[region] = 2 * product + smooth, below[region] = total + smooth;
}

// One block: one minus the mean of D = I′ / U, which is 1 for two empty regions.
extern "C" __global__ void dice_loss(const double* __restrict__ above,
                                     const double* __restrict__ below, int regions,
                                     real* __restrict__ loss) {
    __shared__ double sums[WARP];
    double total = 0;
    for (int i = threadIdx.x; i < regions; i += blockDim.x)
        total += below[i] != 0 ? above[i] / below[i] : 1;
    total = block_sum(total, sums);
    if (threadIdx.x == 0) loss[0] = 1 - total / regions;
}

// Each region's a, b and c, times the gradient of a coefficient: −upstream / regions, times the
// number at `dloss` if that lies on the GPU.
extern "C" __global__ void dice_factors(const double* __restrict__ above,
                                        const double* __restrict__ below, int regions,
                                        bool squared, double upstream,
                                        const double* __restrict__ dloss, real* __restrict__ a,
                                        real* __restrict__ b, real* __restrict__ c) {
    int i = thread_of_grid();
    if (i >= regions) return;
    if (dloss) upstream *= dloss[0];
    double u = below[i], share = u != 0 ? -upstream / regions / u : 0;
    double other = u != 0 ? share * (above[i] / u) : 0;
    a[i] = 2 * share, b[i] = squared ? 2 * other : 0, c[i] = squared ? 0 : other;
}

extern "C" __global__ void dice_backward(const real* __restrict__ p, const real* __restrict__ g,
                                         const real* __restrict__ a, const real* __restrict__ b,
                                         const real* __restrict__ c, int regions,
                                         real* __restrict__ dp, index_t start, index_t stride,
                                         int length, int segments, int share, bool wide) {
    Rows rows = {start, stride, length, segments, share, wide};
    int row = gridDim.x - 1 - blockIdx.x, part = gridDim.y - 1 - blockIdx.y;
    int region = row % regions;  // over the batch there are as many as classes
    real of_truth = a[region], of_share = b[region], constant = c[region];
    each_pack_of(rows, row, part, [&](auto width, index_t at, int) {
        auto v = load(width, p + at), t = load(width, g + at);
        for (int k = 0; k < width.count; k++)
            v.v[k] = of_truth * t.v[k] - of_share * v.v[k] - constant;
        store(dp + at, v);
    });
}
