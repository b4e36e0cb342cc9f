// Resizing: a thread finds its place among the inputs once, in double, for plane after plane.
//
// It takes neighbouring results, two of a linear resizing or WIDTH of a nearest one, where rows are
// multiples of that, and writes them at once.
// Every result is written once; an input is read from memory once, and by its other readers from
// the cache. The arithmetic is that of the NumPy text, and no array stands between two axes.

#include "planes.cuh"

// Between which two inputs an output lies, and how far from the first.
struct Source {
    int first, second;
    real share;
};

__device__ __forceinline__ Source linear_source(int size, int out, int j, bool align_corners) {
    double at = 0;
    if (!align_corners)
        at = fmax(product(j + 0.5, double(size) / out) - 0.5, 0.0);
    else if (out > 1)
        at = product(double(j), double(size - 1) / (out - 1));
    int first = min(int(at), size - 1);
    return {first, min(first + 1, size - 1), real(at - first)};
}

__device__ __forceinline__ int nearest_source(int size, int out, int j) {
    return int(index_t(j) * size / out);
}

__device__ __forceinline__ real mix(real share, real first, real second) {
    return (1 - share) * first + share * second;
}

template <int N>
__device__ __forceinline__ void linear(const real* __restrict__ x, real* __restrict__ y, int planes,
                                       int axes, int depth, int height, int width, int out_d,
                                       int out_h, int out_w, bool align_corners) {
    int cells = out_d * out_h * out_w;
    EACH_CELL(i, cells / N) {
        int row = i * N / out_w, column = i * N % out_w;
        Source d = linear_source(depth, out_d, row / out_h, align_corners);
        Source h = linear_source(height, out_h, row % out_h, align_corners);
        Source w[N];
        for (int k = 0; k < N; k++) w[k] = linear_source(width, out_w, column + k, align_corners);
        int near_upper = (d.first * height + h.first) * width;
        int near_lower = (d.first * height + h.second) * width;
        int far_upper = (d.second * height + h.first) * width;
        int far_lower = (d.second * height + h.second) * width;
        EACH_PLANE(p, planes) {
            const real* plane = x + index_t(p) * depth * height * width;
            auto column_of = [&](int c) {  // depth is resized first, then height
                real upper = plane[near_upper + c];
                if (axes == 3) upper = mix(d.share, upper, plane[far_upper + c]);
                if (axes == 1) return upper;
                real lower = plane[near_lower + c];
                if (axes == 3) lower = mix(d.share, lower, plane[far_lower + c]);
                return mix(h.share, upper, lower);
            };
            Pack<N> result;
            for (int k = 0; k < N; k++)
                result.v[k] = mix(w[k].share, column_of(w[k].first), column_of(w[k].second));
            store(y + index_t(p) * cells + i * N, result);
        }
    }
}

template <int N>
__device__ __forceinline__ void nearest(const real* __restrict__ x, real* __restrict__ y,
                                        int planes, int depth, int height, int width, int out_d,
                                        int out_h, int out_w) {
    int cells = out_d * out_h * out_w;
    EACH_CELL(i, cells / N) {
        int row = i * N / out_w, column = i * N % out_w;
        int line = nearest_source(depth, out_d, row / out_h) * height +
                   nearest_source(height, out_h, row % out_h);
        int place[N];
        for (int k = 0; k < N; k++)
            place[k] = line * width + nearest_source(width, out_w, column + k);
        EACH_PLANE(p, planes) {
            const real* plane = x + index_t(p) * depth * height * width;
            Pack<N> result;
            for (int k = 0; k < N; k++) result.v[k] = plane[place[k]];
            store(y + index_t(p) * cells + i * N, result);
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 3)
    interpolate_linear(const real* __restrict__ x, real* __restrict__ y, int planes, int depth,
                       int height, int width, int out_d, int out_h, int out_w, int axes,
                       bool align_corners) {
    if (out_w % 2 == 0)  // a longer pack would take more registers than its store is worth
        linear<2>(x, y, planes, axes, depth, height, width, out_d, out_h, out_w, align_corners);
    else
        linear<1>(x, y, planes, axes, depth, height, width, out_d, out_h, out_w, align_corners);
}

extern "C" __global__ void interpolate_nearest(const real* __restrict__ x, real* __restrict__ y,
                                               int planes, int depth, int height, int width,
                                               int out_d, int out_h, int out_w) {
    if (out_w % WIDTH == 0)
        nearest<WIDTH>(x, y, planes, depth, height, width, out_d, out_h, out_w);
    else
        nearest<1>(x, y, planes, depth, height, width, out_d, out_h, out_w);
}

// The gradient is a gather, so its sums have one order. Outputs rise with the inputs that they
// read: those whose first input is i stand between begin[i] and begin[i + 1]. A small kernel finds
// these bounds, and the shares, for the three axes one after the other.

extern "C" __global__ void find_readers(int* __restrict__ begin, real* __restrict__ share,
                                        int depth, int height, int width, int out_d, int out_h,
                                        int out_w, bool is_linear, bool align_corners) {
    EACH_CELL(reader, out_d + out_h + out_w) {
        int j = reader, size = depth, out = out_d;
        int* bounds = begin;
        if (j >= out) j -= out, bounds += size + 1, size = height, out = out_h;
        if (bounds != begin && j >= out) j -= out, bounds += size + 1, size = width, out = out_w;
        auto first_of = [&](int k) {
            return is_linear ? linear_source(size, out, k, align_corners).first
                             : nearest_source(size, out, k);
        };
        int first = first_of(j);
        for (int i = j > 0 ? first_of(j - 1) + 1 : 0; i <= first; i++) bounds[i] = j;
        if (j == out - 1)
            for (int i = first + 1; i <= size; i++) bounds[i] = out;
        share[reader] = is_linear ? linear_source(size, out, j, align_corners).share : real(0);
    }
}

// The outputs along an axis that read one input: from `low` on, those up to `middle` as their
// second, and those up to `high` as their first.
struct Readers {
    int low, middle, high;
    bool last;  // past the last input there is no second: its readers read it twice
    const real* share;
};

template <bool LINEAR>
__device__ __forceinline__ Readers readers(const int* begin, const real* share, int i, int size) {
    return {begin[LINEAR && i > 0 ? i - 1 : i], begin[i], begin[i + 1], i == size - 1, share};
}

template <bool LINEAR>
__device__ __forceinline__ real weight(const Readers& r, int j) {
    if (!LINEAR) return 1;
    return j < r.middle ? r.share[j] : r.last ? real(1) : 1 - r.share[j];
}

// One input of LANES threads: each sums every LANES-th reader along the last axis. Every row, and
// every depth, is summed by itself: long sums lose less.
template <int LANES, bool LINEAR>
__device__ __forceinline__ void gather(const real* __restrict__ dy, const int* __restrict__ begin,
                                       const real* __restrict__ share, real* __restrict__ dx,
                                       int planes, int depth, int height, int width, int out_d,
                                       int out_h, int out_w) {
    int lane = threadIdx.x % LANES, cells = depth * height * width;
    EACH_CELL(thread, cells * LANES) {
        int i = thread / LANES;
        Readers d = readers<LINEAR>(begin, share, i / width / height, depth);
        Readers h = readers<LINEAR>(begin + depth + 1, share + out_d, i / width % height, height);
        Readers w = readers<LINEAR>(begin + depth + height + 2, share + out_d + out_h, i % width,
                                    width);
        EACH_PLANE(p, planes) {
            const real* plane = dy + index_t(p) * out_d * out_h * out_w;
            real sum = 0;
            for (int a = d.low; a < d.high; a++) {
                real of_depth = 0;
                for (int b = h.low; b < h.high; b++) {
                    const real* row = plane + (a * out_h + b) * out_w;
                    real of_row = 0;
                    for (int c = w.low + lane; c < w.high; c += LANES)
                        of_row += weight<LINEAR>(w, c) * row[c];
                    of_depth += weight<LINEAR>(h, b) * of_row;
                }
                sum += weight<LINEAR>(d, a) * of_depth;
            }
            for (int by = LANES / 2; by > 0; by /= 2) sum += __shfl_xor_sync(WHOLE_WARP, sum, by);
            if (lane == 0) dx[index_t(p) * cells + i] = sum;
        }
    }
}

extern "C" __global__ void interpolate_backward(const real* __restrict__ dy,
                                                const int* __restrict__ begin,
                                                const real* __restrict__ share,
                                                real* __restrict__ dx, int planes, int depth,
                                                int height, int width, int out_d, int out_h,
                                                int out_w, bool is_linear) {
    if (is_linear)
        gather<1, true>(dy, begin, share, dx, planes, depth, height, width, out_d, out_h, out_w);
    else
        gather<1, false>(dy, begin, share, dx, planes, depth, height, width, out_d, out_h, out_w);
}

extern "C" __global__ void interpolate_backward_by_warps(
    const real* __restrict__ dy, const int* __restrict__ begin, const real* __restrict__ share,
    real* __restrict__ dx, int planes, int depth, int height, int width, int out_d, int out_h,
    int out_w, bool is_linear) {
    if (is_linear)
        gather<32, true>(dy, begin, share, dx, planes, depth, height, width, out_d, out_h, out_w);
    else
        gather<32, false>(dy, begin, share, dx, planes, depth, height, width, out_d, out_h, out_w);
}
