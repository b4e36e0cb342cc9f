// Group normalisation: what it has of its own beside the kernels of norm.cu.
//
// Forward's rows are the groups of each sample. Backward first needs Σ dy and Σ dy·(x − mean) of
// each channel of each sample, (N, C) rows: dgamma and dbeta add them over the samples, a and b
// over a group, weighted with gamma. The kernels here read such sums only, a warp for each result.

#include "reduction.cuh"

// Mean and 1/√(var + eps) of each row, from its parts.
extern "C" __global__ void group_norm_statistics(const double* __restrict__ means,
                                                 const double* __restrict__ squares, int parts,
                                                 int share, int count, double eps,
                                                 real* __restrict__ mean,
                                                 real* __restrict__ inv_std) {
    index_t first = index_t(blockIdx.x) * parts;
    double centre, var;
    merged(means + first, squares + first, parts, share, count, centre, var);
    if (threadIdx.x == 0) mean[blockIdx.x] = centre, inv_std[blockIdx.x] = 1 / sqrt(var + eps);
}

// dgamma and dbeta of each channel. The sums are (samples, channels, parts); `members` channels
// have one inv_std.
extern "C" __global__ void group_norm_gradients(const double* __restrict__ totals,
                                                const double* __restrict__ along, int samples,
                                                int parts, int members,
                                                const real* __restrict__ inv_std,
                                                real* __restrict__ dgamma,
                                                real* __restrict__ dbeta) {
    int c = blockIdx.x, channels = gridDim.x;
    double total = 0, product = 0;
    for (int i = threadIdx.x; i < samples * parts; i += WARP) {
        index_t plane = index_t(i / parts) * channels + c, at = plane * parts + i % parts;
        total += totals[at], product += along[at] * inv_std[plane / members];
    }
    total = warp_sum(total), product = warp_sum(product);
    if (threadIdx.x == 0) dbeta[c] = total, dgamma[c] = product;
}

// The a and b of each row, of `count` numbers, with which norm.cu's input_gradient makes dx.
extern "C" __global__ void group_norm_projections(const double* __restrict__ totals,
                                                  const double* __restrict__ along, int groups,
                                                  int members, int parts, int count,
                                                  const real* __restrict__ gamma,
                                                  const real* __restrict__ inv_std,
                                                  real* __restrict__ a, real* __restrict__ b) {
    int row = blockIdx.x;
    index_t first = index_t(row) * members * parts;
    double total = 0, product = 0, scale = inv_std[row];
    for (int i = threadIdx.x; i < members * parts; i += WARP) {
        double weight = gamma[row % groups * members + i / parts];
        total += weight * totals[first + i], product += weight * along[first + i];
    }
    total = warp_sum(total), product = warp_sum(product);
    if (threadIdx.x == 0) a[row] = total / count, b[row] = scale * scale * product / count;
}
