// RoIPool: a block takes one box and some channels of its map (see regions.cuh).
//
// Where the bins begin and end is rounded to whole cells once for a box; a thread then goes through
// the cells of one bin of one channel. Every result costs its own bytes and 8 for its place; cells
// are read through the cache, by each box that covers them.
//
// The gradient adds dy at its place, atomically: in a cell that three or more bins share, the order
// of the sum, and so its last bits, may vary from run to run. A place outside of its map puts NaN
// in the map's first cell.

#include "regions.cuh"

constexpr int MOST_BINS = 256;  // along one axis

struct Range {
    int begin, end;
};

// Half away from zero.
__device__ __forceinline__ index_t rounded(double v) {
    return index_t(copysign(floor(fabs(v) + 0.5), v));
}

// The cells of bin b, cut at the map's edges.
__device__ __forceinline__ Range bin_of(double low, double high, int bins, int b, int size) {
    index_t start = rounded(low), length = rounded(high) - start + 1;
    if (length < 1) length = 1;
    index_t begin = start + b * length / bins;
    index_t end = start + ((b + 1) * length + bins - 1) / bins;
    index_t none = 0, all = size;
    return {int(min(max(begin, none), all)), int(min(max(end, none), all))};
}

extern "C" __global__ void roi_pool(const real* __restrict__ x, const real* __restrict__ boxes,
                                    real* __restrict__ y, index_t* __restrict__ argmax, int maps,
                                    int channels, int height, int width, int bins_h, int bins_w,
                                    int chunk, double scale) {
    __shared__ Range rows[MOST_BINS], columns[MOST_BINS];
    Box box = box_of(boxes, blockIdx.x, maps, scale, 0.0);
    if (box.valid) {
        for (int b = threadIdx.x; b < bins_h; b += blockDim.x)
            rows[b] = bin_of(box.top, box.bottom, bins_h, b, height);
        for (int b = threadIdx.x; b < bins_w; b += blockDim.x)
            columns[b] = bin_of(box.left, box.right, bins_w, b, width);
    }
    __syncthreads();
    Share share = share_of_block(channels, chunk, bins_h, bins_w);
    for (int i = threadIdx.x; i < share.count; i += blockDim.x) {
        real best = box.valid ? real(0) : mark_of_error();
        int where = -1;
        if (box.valid) {
            Place place = place_of(share, i);
            Range r = rows[place.row], c = columns[place.column];
            const real* plane = x + (index_t(box.map) * channels + place.channel) * height * width;
            for (int h = r.begin; h < r.end; h++)
                for (int w = c.begin; w < c.end; w++) {
                    real v = plane[h * width + w];
                    // the first of equals stays, and the first NaN
                    if (where < 0 || v > best || (v != v && best == best))
                        best = v, where = h * width + w;
                }
        }
        y[share.begin + i] = best;
        argmax[share.begin + i] = where;
    }
}

// The "planes" are boxes here, and their cells (channel, bin) pairs.
extern "C" __global__ void roi_pool_backward(const real* __restrict__ dy,
                                             const real* __restrict__ boxes,
                                             const index_t* __restrict__ argmax, real* dx,
                                             int count, int maps, int channels, int cells,
                                             int bins) {
    EACH_CELL(i, channels * bins) EACH_PLANE(r, count) {
        index_t at = index_t(r) * channels * bins + i;
        int map = map_of(boxes, r, maps);
        index_t place = argmax[at];
        real* plane = dx + (index_t(max(map, 0)) * channels + i / bins) * cells;
        if (map < 0 || place < -1 || place >= cells)
            atomicAdd(plane, mark_of_error());
        else if (place >= 0)
            atomicAdd(plane + place, dy[at]);
    }
}
