// Max pooling: a thread takes one window, or WIDTH neighbours, and visits it in plane after plane.
//
// The usual windows, 2 × 2 and 2 apart, are read 16 bytes at a time, two packs of a row for one
// pack of results: of 2 × 2 float32 cells every result costs 16 bytes read and 12 written, 8 of
// them for its index. Windows that overlap find their common cells in the L1 cache.
//
// The NumPy text compares one tap of all windows after the other; here a window is complete before
// it is written.

#include "planes.cuh"

struct Best {
    real value;
    int where;
};

// The first of equals stays; of several NaN, the last.
__device__ __forceinline__ void take_better(Best& best, real value, int where) {
    bool wins = value > best.value || value != value;
    best.value = wins ? value : best.value;
    best.where = wins ? where : best.where;
}

// The first of start, start + dilation … that is not negative.
__device__ __forceinline__ int first_inside(int start, int dilation) {
    return start >= 0 ? start : start + (dilation - 1 - start) / dilation * dilation;
}

extern "C" __global__ void max_pool(
    const real* __restrict__ x, real* __restrict__ y, index_t* __restrict__ indices, int planes,
    int depth, int height, int width, int kernel_d, int kernel_h, int kernel_w, int out_d,
    int out_h, int out_w, int stride_d, int stride_h, int stride_w, int padding_d, int padding_h,
    int padding_w, int dilation_d, int dilation_h, int dilation_w) {
    index_t cells = index_t(depth) * height * width;
    int windows = out_d * out_h * out_w;
    EACH_CELL(i, windows) {
        int d = i / out_w / out_h * stride_d - padding_d;
        int h = i / out_w % out_h * stride_h - padding_h;
        int w = i % out_w * stride_w - padding_w;
        int last_d = min(depth - 1, d + (kernel_d - 1) * dilation_d);
        int last_h = min(height - 1, h + (kernel_h - 1) * dilation_h);
        int last_w = min(width - 1, w + (kernel_w - 1) * dilation_w);
        d = first_inside(d, dilation_d);
        h = first_inside(h, dilation_h);
        w = first_inside(w, dilation_w);
        EACH_PLANE(p, planes) {
            const real* plane = x + p * cells;
            // a window of nothing but −∞ keeps its first cell inside x
            Best best = {-infinity(), (d * height + h) * width + w};
            for (int a = d; a <= last_d; a += dilation_d)
                for (int b = h; b <= last_h; b += dilation_h)
                    for (int c = w; c <= last_w; c += dilation_w) {
                        int where = (a * height + b) * width + c;
                        take_better(best, plane[where], where);
                    }
            y[index_t(p) * windows + i] = best.value;
            indices[index_t(p) * windows + i] = best.where;
        }
    }
}

struct alignas(16) TwoIndices {
    index_t v[2];
};

// Windows of 2 × 2 cells, 2 apart, without padding along these two axes nor along the first. Rows
// of x and of y are multiples of WIDTH.
extern "C" __global__ void max_pool_by_pairs(
    const real* __restrict__ x, real* __restrict__ y, index_t* __restrict__ indices, int planes,
    int depth, int height, int width, int kernel_d, int out_d, int out_h, int out_w, int stride_d,
    int dilation_d) {
    Width<WIDTH> wide;
    index_t cells = index_t(depth) * height * width;
    int windows = out_d * out_h * out_w;
    EACH_CELL(i, windows / WIDTH) {
        int first = i * WIDTH;
        int row = first / out_w, column = first % out_w * 2;
        int corner = (row / out_h * stride_d * height + row % out_h * 2) * width + column;
        EACH_PLANE(p, planes) {
            const real* plane = x + p * cells;
            Best best[WIDTH];
            for (int k = 0; k < WIDTH; k++) best[k] = {-infinity(), corner + 2 * k};
            for (int a = 0; a < kernel_d; a++)
                for (int b = 0; b < 2; b++) {
                    int where = corner + (a * dilation_d * height + b) * width;
                    Pack<WIDTH> low = load(wide, plane + where);
                    Pack<WIDTH> high = load(wide, plane + where + WIDTH);
#pragma unroll
                    for (int k = 0; k < 2 * WIDTH; k++)
                        take_better(best[k / 2], k < WIDTH ? low.v[k] : high.v[k - WIDTH],
                                    where + k);
                }
            index_t at = index_t(p) * windows + first;
            Pack<WIDTH> values;
            for (int k = 0; k < WIDTH; k++) values.v[k] = best[k].value;
            store(y + at, values);
            for (int k = 0; k < WIDTH; k += 2)
                *reinterpret_cast<TwoIndices*>(indices + at + k) = {best[k].where,
                                                                    best[k + 1].where};
        }
    }
}
