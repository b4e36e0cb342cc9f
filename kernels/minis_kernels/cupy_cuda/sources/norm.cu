// Batch normalisation, and what group normalisation shares with it.
//
// Rows (see rows.cuh) are the values that have one mean: a channel of the batch, or a group of
// channels of one sample. Each pass over memory is a grid of (rows, parts) blocks; a warp for each
// row adds up what they leave. Bytes read and written per number, float32:
//
//     forward     moments 4     normalise 8                           12, in evaluation 8
//     backward    sums_along 8  input_gradient 12                     20, in evaluation 12
//
// Fewer would need a row's numbers to stay in one block. The second pass begins where the first
// ended, with what the L2 cache still holds. The NumPy text goes over memory a dozen times.
//
// Moments: the sum of squares of numbers that are large but alike loses their variance. So each
// thread subtracts the first number that it meets, and adds up what is left: d and d². If that
// number lies far from the others, the variance is so large that the rounding of d² is small beside
// it. Threads and blocks are merged in double, squares of distances of the means being added to the
// squares.
//
// Backward is dx = inv_std·(gamma·dy − a − b·(x − mean)) with two numbers a and b of each row.

#include "reduction.cuh"
#include "rows.cuh"

// Every part's mean, and the sum of its squared distances from it: (rows, parts).
extern "C" __global__ void moments(const real* __restrict__ x, double* __restrict__ means,
                                   double* __restrict__ squares, index_t start, index_t stride,
                                   int length, int segments, int share, bool wide) {
    __shared__ double sums[WARP];
    Rows rows = {start, stride, length, segments, share, wide};
    real pivot = 0, off = 0, square = 0;
    int count = 0;
    each_pack_of(rows, blockIdx.x, blockIdx.y, [&](auto width, index_t at, int) {
        auto v = load(width, x + at);
        if (count == 0) pivot = v.v[0];
        count += width.count;
        for (int k = 0; k < width.count; k++) {
            real d = v.v[k] - pivot;
            off += d, square += d * d;
        }
    });
    double shift = count > 0 ? double(off) / count : 0, mean = pivot + shift;
    double mine = square - shift * off;
    mine = mine < 0 ? 0 : mine;  // by rounding
    double centre = block_sum(mean * count, sums) / part_size(rows, blockIdx.y);
    double total = block_sum(mine + (mean - centre) * (mean - centre) * count, sums);
    if (threadIdx.x == 0) {
        index_t to = index_t(blockIdx.x) * gridDim.y + blockIdx.y;
        means[to] = centre, squares[to] = total;
    }
}

// A warp for each channel: the parts' moments become the batch's, and move the running ones. In
// evaluation, where there are no parts, the running ones are taken.
extern "C" __global__ void batch_norm_statistics(
    const double* __restrict__ means, const double* __restrict__ squares, int parts, int share,
    int count, const real* __restrict__ running_mean, const real* __restrict__ running_var,
    double momentum, double eps, real* __restrict__ mean, real* __restrict__ inv_std,
    real* __restrict__ new_mean, real* __restrict__ new_var) {
    int c = blockIdx.x;
    double centre = running_mean[c], var = running_var[c];
    double old_centre = centre, old_var = var, unbiased = var;
    if (parts > 0) {
        index_t first = index_t(c) * parts;
        merged(means + first, squares + first, parts, share, count, centre, var);
        unbiased = var * (double(count) / (count - 1));
    }
    if (threadIdx.x > 0) return;
    mean[c] = centre, inv_std[c] = 1 / sqrt(var + eps);
    // with no parts the weight of the new is 0
    new_mean[c] = (1 - momentum) * old_centre + momentum * centre;
    new_var[c] = (1 - momentum) * old_var + momentum * unbiased;
}

// y = (x − mean)·inv_std·gamma + beta. A row has `members` channels, from row % groups · members
// on: batch norm's rows one channel, whose runs are the samples, group norm's one for each run.
extern "C" __global__ void normalise(const real* __restrict__ x, const real* __restrict__ mean,
                                     const real* __restrict__ inv_std,
                                     const real* __restrict__ gamma, const real* __restrict__ beta,
                                     real* __restrict__ y, int groups, bool run_is_channel,
                                     index_t start, index_t stride, int length, int segments,
                                     int share, bool wide) {
    Rows rows = {start, stride, length, segments, share, wide};
    int row = gridDim.x - 1 - blockIdx.x, part = gridDim.y - 1 - blockIdx.y;
    int first = row % groups * (run_is_channel ? segments : 1);
    real centre = mean[row], scale = inv_std[row];
    each_pack_of(rows, row, part, [&](auto width, index_t at, int run) {
        int c = first + (run_is_channel ? run : 0);
        real factor = gamma[c] * scale, shift = beta[c];
        auto v = load(width, x + at);
        for (int k = 0; k < width.count; k++) v.v[k] = (v.v[k] - centre) * factor + shift;
        store(y + at, v);
    });
}

// Every part's Σ dy and Σ dy·(x − mean): (rows, parts). A row is a channel, or a channel of one
// sample, and `members` rows share a mean. In evaluation dx = gamma·inv_std·dy is at hand, too.
extern "C" __global__ void sums_along(const real* __restrict__ dy, const real* __restrict__ x,
                                      const real* __restrict__ mean, int members,
                                      const real* __restrict__ gamma,
                                      const real* __restrict__ inv_std, real* __restrict__ dx,
                                      double* __restrict__ totals, double* __restrict__ along,
                                      index_t start, index_t stride, int length, int segments,
                                      int share, bool wide) {
    __shared__ double sums[WARP];
    Rows rows = {start, stride, length, segments, share, wide};
    int row = blockIdx.x;
    real centre = mean[row / members], factor = dx ? gamma[row] * inv_std[row] : real(0);
    real total = 0, product = 0;
    each_pack_of(rows, row, blockIdx.y, [&](auto width, index_t at, int) {
        auto g = load(width, dy + at), v = load(width, x + at);
        for (int k = 0; k < width.count; k++) {
            total += g.v[k], product += g.v[k] * (v.v[k] - centre);
            g.v[k] *= factor;
        }
        if (dx) store(dx + at, g);
    });
    double of_block = block_sum(total, sums), along_block = block_sum(product, sums);
    if (threadIdx.x == 0) {
        index_t to = index_t(row) * gridDim.y + blockIdx.y;
        totals[to] = of_block, along[to] = along_block;
    }
}

// A warp for each channel: dgamma and dbeta, and its a and b.
extern "C" __global__ void batch_norm_gradients(
    const double* __restrict__ totals, const double* __restrict__ along, int parts, int count,
    const real* __restrict__ gamma, const real* __restrict__ inv_std, real* __restrict__ dgamma,
    real* __restrict__ dbeta, real* __restrict__ a, real* __restrict__ b) {
    int c = blockIdx.x;
    index_t first = index_t(c) * parts;
    double total = warp_total(totals + first, parts), product = warp_total(along + first, parts);
    if (threadIdx.x > 0) return;
    double scale = inv_std[c];
    dbeta[c] = total, dgamma[c] = product * scale;
    a[c] = gamma[c] * total / count, b[c] = gamma[c] * scale * scale * product / count;
}

// dx = inv_std·(gamma·dy − a − b·(x − mean)); rows and channels as in `normalise`.
extern "C" __global__ void input_gradient(const real* __restrict__ dy, const real* __restrict__ x,
                                          const real* __restrict__ gamma,
                                          const real* __restrict__ mean,
                                          const real* __restrict__ inv_std,
                                          const real* __restrict__ a, const real* __restrict__ b,
                                          real* __restrict__ dx, int groups, bool run_is_channel,
                                          index_t start, index_t stride, int length, int segments,
                                          int share, bool wide) {
    Rows rows = {start, stride, length, segments, share, wide};
    int row = gridDim.x - 1 - blockIdx.x, part = gridDim.y - 1 - blockIdx.y;
    int first = row % groups * (run_is_channel ? segments : 1);
    real centre = mean[row], constant = a[row], slope = b[row];
    // one value in a row has no gradient, not even what rounding leaves of gamma·dy − a
    real scale = length * segments > 1 ? inv_std[row] : real(0);
    each_pack_of(rows, row, part, [&](auto width, index_t at, int run) {
        real weight = gamma[first + (run_is_channel ? run : 0)];
        auto g = load(width, dy + at), v = load(width, x + at);
        for (int k = 0; k < width.count; k++)
            g.v[k] = scale * (weight * g.v[k] - constant - slope * (v.v[k] - centre));
        store(dx + at, g);
    });
}
