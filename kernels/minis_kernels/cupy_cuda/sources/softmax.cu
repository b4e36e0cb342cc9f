// Softmax and its logarithm, along any axis.
//
//     bytes per number, float32      forward 8      backward 12
//
// where a pixel's scores fit into registers (see scores.cuh), and what of further reads the caches
// don't serve where they don't. The NumPy text goes over memory five times.

#include "scores.cuh"

#define EACH_PIXEL(i) for (int i = first_pixel(lanes); i < pixels; i += next_pixel(lanes))

extern "C" __global__ void __launch_bounds__(256, 1)
    softmax(const real* __restrict__ x, real* y, int classes, int inner, int pixels, int lanes) {
    EACH_PIXEL(i) {
        Line line = line_of(x, y, i, classes, inner, lanes);
        real share = 1 / exponentials(line, largest(line));
        EACH_CLASS(line, k) write(line, k, kept(line, k) * share);
    }
}

extern "C" __global__ void __launch_bounds__(256, 1)
    log_softmax(const real* __restrict__ x, real* y, int classes, int inner, int pixels,
                int lanes) {
    EACH_PIXEL(i) {
        Line line = line_of(x, y, i, classes, inner, lanes);
        real top = largest(line), total = 0;
        EACH_CLASS(line, k) total += real(exp(given(line, k) - top));
        total = log(sum(line, total));
        EACH_CLASS(line, k) write(line, k, given(line, k) - top - total);
    }
}

extern "C" __global__ void __launch_bounds__(256, 1)
    softmax_backward(const real* __restrict__ dy, const real* __restrict__ y, real* dx,
                     int classes, int inner, int pixels, int lanes) {
    EACH_PIXEL(i) {
        Line g = line_of(dy, dx, i, classes, inner, lanes);
        Line p = line_of(y, dx, i, classes, inner, lanes);
        real total = 0;
        EACH_CLASS(g, k) total += given(g, k) * given(p, k);
        total = sum(g, total);
        EACH_CLASS(g, k) write(g, k, given(p, k) * (given(g, k) - total));
    }
}

extern "C" __global__ void __launch_bounds__(256, 1)
    log_softmax_backward(const real* __restrict__ dy, const real* __restrict__ y, real* dx,
                         int classes, int inner, int pixels, int lanes) {
    EACH_PIXEL(i) {
        Line g = line_of(dy, dx, i, classes, inner, lanes);
        Line log_p = line_of(y, dx, i, classes, inner, lanes);
        real total = 0;
        EACH_CLASS(g, k) total += given(g, k);
        total = sum(g, total);
        EACH_CLASS(g, k) write(g, k, given(g, k) - real(exp(given(log_p, k))) * total);
    }
}
