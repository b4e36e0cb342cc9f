// Average pooling and its gradient: a thread takes one window, or one cell, and visits it in plane
// after plane. Both read and write every number once, but for cells that windows share, which the
// L1 cache has.
//
// Windows of 2 × 2 cells, 2 apart, go 16 bytes at a time. Long rows of a window (global pooling
// has nothing else) are summed by a warp: its lanes read neighbours. The gradient is a gather: each
// cell adds the shares of the windows that it lies in, the last window first, which is the order of
// the NumPy text. Sums that no warp shares have the text's bits.

#include "planes.cuh"

// Along one axis.
struct Axis {
    int size, kernel, out, stride, padding;
};

// The cells of a window inside x, from `begin` to before `end`.
__device__ __forceinline__ int begin(const Axis& a, int window) {
    return max(0, window * a.stride - a.padding);
}

__device__ __forceinline__ int end(const Axis& a, int window) {
    return min(a.size, window * a.stride - a.padding + a.kernel);
}

// How many cells the window's mean is over. What lies beyond the padding never counts.
__device__ __forceinline__ int count(const Axis& a, int window, bool with_padding) {
    if (!with_padding) return end(a, window) - begin(a, window);
    int start = window * a.stride - a.padding;
    return min(start + a.kernel, a.size + a.padding) - start;
}

// The windows that a cell lies in, from `first_window` to before `last_window`.
__device__ __forceinline__ int first_window(const Axis& a, int cell) {
    int room = cell + a.padding - a.kernel;
    return room < 0 ? 0 : room / a.stride + 1;
}

__device__ __forceinline__ int last_window(const Axis& a, int cell) {
    return min((cell + a.padding) / a.stride + 1, a.out);
}

// One window of LANES threads: each sums every LANES-th cell of its rows.
template <int LANES>
__device__ __forceinline__ void average(const real* __restrict__ x, real* __restrict__ y,
                                        int planes, Axis d, Axis h, Axis w, bool with_padding) {
    int lane = threadIdx.x % LANES, windows = d.out * h.out * w.out;
    EACH_CELL(thread, windows * LANES) {
        int i = thread / LANES;
        int od = i / w.out / h.out, oh = i / w.out % h.out, ow = i % w.out;
        real cells = real(count(d, od, with_padding)) * count(h, oh, with_padding) *
                     count(w, ow, with_padding);
        EACH_PLANE(p, planes) {
            const real* plane = x + index_t(p) * d.size * h.size * w.size;
            real sum = 0;
            for (int a = begin(d, od); a < end(d, od); a++)
                for (int b = begin(h, oh); b < end(h, oh); b++) {
                    const real* row = plane + (a * h.size + b) * w.size;
                    for (int c = begin(w, ow) + lane; c < end(w, ow); c += LANES) sum += row[c];
                }
            for (int by = LANES / 2; by > 0; by /= 2) sum += __shfl_xor_sync(WHOLE_WARP, sum, by);
            if (lane == 0) y[index_t(p) * windows + i] = sum / cells;
        }
    }
}

extern "C" __global__ void avg_pool(const real* __restrict__ x, real* __restrict__ y, int planes,
                                    bool with_padding, int depth, int height, int width,
                                    int kernel_d, int kernel_h, int kernel_w, int out_d, int out_h,
                                    int out_w, int stride_d, int stride_h, int stride_w,
                                    int padding_d, int padding_h, int padding_w) {
    average<1>(x, y, planes, {depth, kernel_d, out_d, stride_d, padding_d},
               {height, kernel_h, out_h, stride_h, padding_h},
               {width, kernel_w, out_w, stride_w, padding_w}, with_padding);
}

extern "C" __global__ void avg_pool_by_warps(
    const real* __restrict__ x, real* __restrict__ y, int planes, bool with_padding, int depth,
    int height, int width, int kernel_d, int kernel_h, int kernel_w, int out_d, int out_h,
    int out_w, int stride_d, int stride_h, int stride_w, int padding_d, int padding_h,
    int padding_w) {
    average<32>(x, y, planes, {depth, kernel_d, out_d, stride_d, padding_d},
                {height, kernel_h, out_h, stride_h, padding_h},
                {width, kernel_w, out_w, stride_w, padding_w}, with_padding);
}

extern "C" __global__ void avg_pool_backward(
    const real* __restrict__ dy, real* __restrict__ dx, int planes, bool with_padding, int depth,
    int height, int width, int kernel_d, int kernel_h, int kernel_w, int out_d, int out_h,
    int out_w, int stride_d, int stride_h, int stride_w, int padding_d, int padding_h,
    int padding_w) {
    Axis d = {depth, kernel_d, out_d, stride_d, padding_d};
    Axis h = {height, kernel_h, out_h, stride_h, padding_h};
    Axis w = {width, kernel_w, out_w, stride_w, padding_w};
    index_t windows = index_t(out_d) * out_h * out_w;
    int cells = depth * height * width;
    EACH_CELL(i, cells) {
        int id = i / width / height, ih = i / width % height, iw = i % width;
        EACH_PLANE(p, planes) {
            real sum = 0;
            for (int a = last_window(d, id) - 1; a >= first_window(d, id); a--)
                for (int b = last_window(h, ih) - 1; b >= first_window(h, ih); b--) {
                    const real* row = dy + p * windows + (a * out_h + b) * out_w;
                    int along = count(d, a, with_padding) * count(h, b, with_padding);
                    for (int c = last_window(w, iw) - 1; c >= first_window(w, iw); c--)
                        sum += row[c] / (real(along) * count(w, c, with_padding));
                }
            dx[index_t(p) * cells + i] = sum;
        }
    }
}

// Windows of 2 × 2 cells, 2 apart, without padding, in maps of one depth that they cover, and whose
// rows are multiples of WIDTH, y's too.

extern "C" __global__ void avg_pool_by_pairs(const real* __restrict__ x, real* __restrict__ y,
                                             int planes, int out_h, int out_w) {
    Width<WIDTH> wide;
    int windows = out_h * out_w, width = 2 * out_w;
    EACH_CELL(i, windows / WIDTH) {
        int row = i * WIDTH / out_w, column = i * WIDTH % out_w;
        EACH_PLANE(p, planes) {
            const real* upper = x + (index_t(p) * 2 * out_h + 2 * row) * width + 2 * column;
            const real* lower = upper + width;
            Pack<WIDTH> a = load(wide, upper), b = load(wide, upper + WIDTH);
            Pack<WIDTH> c = load(wide, lower), d = load(wide, lower + WIDTH);
            Pack<WIDTH> mean;
            for (int k = 0; k < WIDTH / 2; k++) {
                mean.v[k] = (a.v[2 * k] + a.v[2 * k + 1] + c.v[2 * k] + c.v[2 * k + 1]) / 4;
                mean.v[WIDTH / 2 + k] =
                    (b.v[2 * k] + b.v[2 * k + 1] + d.v[2 * k] + d.v[2 * k + 1]) / 4;
            }
            store(y + index_t(p) * windows + i * WIDTH, mean);
        }
    }
}

extern "C" __global__ void avg_pool_backward_by_pairs(const real* __restrict__ dy,
                                                      real* __restrict__ dx, int planes, int out_h,
                                                      int out_w) {
    Width<WIDTH> wide;
    int windows = out_h * out_w, width = 2 * out_w;
    EACH_CELL(i, windows / WIDTH) {
        int row = i * WIDTH / out_w, column = i * WIDTH % out_w;
        EACH_PLANE(p, planes) {
            Pack<WIDTH> share = load(wide, dy + index_t(p) * windows + i * WIDTH), low, high;
            for (int k = 0; k < WIDTH; k++) {
                low.v[k] = share.v[k / 2] / 4;
                high.v[k] = share.v[(WIDTH + k) / 2] / 4;
            }
            real* upper = dx + (index_t(p) * 2 * out_h + 2 * row) * width + 2 * column;
            store(upper, low), store(upper + WIDTH, high);
            store(upper + width, low), store(upper + width + WIDTH, high);
        }
    }
}
