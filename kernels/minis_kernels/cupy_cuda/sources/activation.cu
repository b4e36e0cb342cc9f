// Activations: each thread takes numbers one grid apart, reads each once and writes it once.
//
// Nothing is computed that memory doesn't hide, so the measure is the share of the copy bandwidth.

#include "common.cuh"

#define EACH(i, count) \
    for (index_t i = thread_of_grid(); i < (count); i += threads_of_grid())

extern "C" __global__ void relu(const real* __restrict__ x, real* __restrict__ y, index_t count) {
    EACH(i, count) {
        real v = x[i];
        y[i] = v < 0 ? real(0) : v;  // NaN is not below zero, and stays
    }
}

extern "C" __global__ void relu_backward(const real* __restrict__ dy, const real* __restrict__ y,
                                         real* __restrict__ dx, index_t count) {
    EACH(i, count) dx[i] = y[i] <= 0 ? real(0) : dy[i];
}
