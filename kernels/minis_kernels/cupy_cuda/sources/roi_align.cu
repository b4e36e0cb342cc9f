// RoIAlign: a block takes one box and some channels of its map (see regions.cuh).
//
// Samples lie on a grid: along each axis by itself, the block finds between which cells each of
// them falls, and its weights, and keeps that. A bin is then summed from its samples' four cells
// each, which neighbouring bins find in the cache. The NumPy text multiplies by two matrices that
// are mostly zeros; a non-finite number there spreads to all bins of a box that covers it, and here
// only to the bins that read it.
//
// The gradient adds to the same cells, atomically: boxes overlap, and the order of the sums, so
// their last bits, may vary from run to run.
//
// Every result costs its own bytes, and 16 numbers of the cache where there are 2 × 2 samples to a
// bin; the gradient 16 additions, which the L2 cache makes.

#include "regions.cuh"

constexpr int KEPT = 512;            // samples along an axis that a block keeps; more, it computes
constexpr int MOST_SAMPLES = 16384;  // of a bin along one axis; a box that wants more gets NaN

// The samples of one box along one axis.
struct Side {
    double start, step;  // of the first bin, from bin to bin
    int bins, samples;   // samples of each bin
    int size;            // cells of the map
};

// Between `low` and the cell after it, with these weights.
struct Sample {
    int low;
    real near, far;
};

__device__ __forceinline__ Side side_of(double low, double high, int bins, int size, int ratio,
                                        bool aligned) {
    double length = high - low;
    if (!aligned) length = fmax(length, 1.0);
    double wanted = ratio > 0 ? double(ratio) : fmax(ceil(length / bins), 0.0);
    return {low, length / bins, bins, int(fmin(wanted, MOST_SAMPLES + 1.0)), size};
}

__device__ __forceinline__ Sample sample_of(const Side& s, int k) {
    // the same roundings as in the NumPy text
    double at = s.start + product(double(k / s.samples), s.step) +
                product(k % s.samples + 0.5, s.step) / s.samples;
    bool inside = at >= -1 && at <= s.size;
    at = fmin(fmax(at, 0.0), s.size - 1.0);
    int low = int(at);
    double far = at - low;
    return {low, inside ? real((1 - far) / s.samples) : real(0),
            inside ? real(far / s.samples) : real(0)};
}

// Both sides of a box. One that is malformed, or wants too many samples, is not valid.
struct Grid {
    Side rows, columns;
    int map;
    bool valid;
};

__device__ __forceinline__ Grid grid_of(const real* boxes, int maps, int height, int width,
                                        int bins_h, int bins_w, double scale, int ratio,
                                        bool aligned) {
    Box box = box_of(boxes, blockIdx.x, maps, scale, aligned ? 0.5 : 0.0);
    Side rows = side_of(box.top, box.bottom, bins_h, height, ratio, aligned);
    Side columns = side_of(box.left, box.right, bins_w, width, ratio, aligned);
    bool valid = box.valid && max(rows.samples, columns.samples) <= MOST_SAMPLES;
    return {rows, columns, box.map, valid};
}

__device__ __forceinline__ void keep_samples(const Side& s, Sample* kept) {
    for (int k = threadIdx.x; k < min(KEPT, s.bins * s.samples); k += blockDim.x)
        kept[k] = sample_of(s, k);
}

__device__ __forceinline__ Sample sample(const Side& s, const Sample* kept, int k) {
    return k < KEPT ? kept[k] : sample_of(s, k);
}

__device__ __forceinline__ int next(const Side& s, int cell) { return min(cell + 1, s.size - 1); }

extern "C" __global__ void roi_align(const real* __restrict__ x, const real* __restrict__ boxes,
                                     real* __restrict__ y, int maps, int channels, int height,
                                     int width, int bins_h, int bins_w, int chunk, double scale,
                                     int ratio, bool aligned) {
    __shared__ Sample kept_rows[KEPT], kept_columns[KEPT];
    Grid g = grid_of(boxes, maps, height, width, bins_h, bins_w, scale, ratio, aligned);
    if (g.valid) keep_samples(g.rows, kept_rows), keep_samples(g.columns, kept_columns);
    __syncthreads();
    Share share = share_of_block(channels, chunk, bins_h, bins_w);
    for (int i = threadIdx.x; i < share.count; i += blockDim.x) {
        if (!g.valid) {
            y[share.begin + i] = mark_of_error();
            continue;
        }
        Place place = place_of(share, i);
        const real* plane = x + (index_t(g.map) * channels + place.channel) * height * width;
        real sum = 0;
        for (int k = 0; k < g.rows.samples; k++) {
            Sample r = sample(g.rows, kept_rows, place.row * g.rows.samples + k);
            const real* upper = plane + r.low * width;
            const real* lower = plane + next(g.rows, r.low) * width;
            real near = 0, far = 0;  // of the upper row, and of the lower
            for (int m = 0; m < g.columns.samples; m++) {
                Sample c =
                    sample(g.columns, kept_columns, place.column * g.columns.samples + m);
                int right = next(g.columns, c.low);
                near += c.near * upper[c.low] + c.far * upper[right];
                far += c.near * lower[c.low] + c.far * lower[right];
            }
            sum += r.near * near + r.far * far;
        }
        y[share.begin + i] = sum;
    }
}

__device__ __forceinline__ void add(real* cell, real value) {
    if (value != 0) atomicAdd(cell, value);
}

extern "C" __global__ void roi_align_backward(const real* __restrict__ dy,
                                              const real* __restrict__ boxes, real* dx, int maps,
                                              int channels, int height, int width, int bins_h,
                                              int bins_w, int chunk, double scale, int ratio,
                                              bool aligned) {
    __shared__ Sample kept_rows[KEPT], kept_columns[KEPT];
    Grid g = grid_of(boxes, maps, height, width, bins_h, bins_w, scale, ratio, aligned);
    if (g.valid) keep_samples(g.rows, kept_rows), keep_samples(g.columns, kept_columns);
    __syncthreads();
    Share share = share_of_block(channels, chunk, bins_h, bins_w);
    for (int i = threadIdx.x; i < share.count; i += blockDim.x) {
        Place place = place_of(share, i);
        real* plane = dx + (index_t(max(g.map, 0)) * channels + place.channel) * height * width;
        if (!g.valid) {
            atomicAdd(plane, mark_of_error());  // in the first cell of its map, or of the first map
            continue;
        }
        real value = dy[share.begin + i];
        for (int k = 0; k < g.rows.samples; k++) {
            Sample r = sample(g.rows, kept_rows, place.row * g.rows.samples + k);
            real* upper = plane + r.low * width;
            real* lower = plane + next(g.rows, r.low) * width;
            for (int m = 0; m < g.columns.samples; m++) {
                Sample c =
                    sample(g.columns, kept_columns, place.column * g.columns.samples + m);
                int right = next(g.columns, c.low);
                add(upper + c.low, r.near * c.near * value);
                add(upper + right, r.near * c.far * value);
                add(lower + c.low, r.far * c.near * value);
                add(lower + right, r.far * c.far * value);
            }
        }
    }
}
