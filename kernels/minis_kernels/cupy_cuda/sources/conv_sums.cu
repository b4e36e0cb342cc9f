// Sums at the edges of a convolution, each in one order.
//
// add_parts        y = Σ of the parts that blocks have summed, + bias: reads parts + 0, writes 1
// sum_over_pixels  db: dy over samples and pixels: reads each number once
#include "common.cuh"
#include "reduction.cuh"

// Each thread takes numbers one grid apart. A channel has `plane` numbers; no bias: null.
extern "C" __global__ void add_parts(const real* __restrict__ parts, int count,
                                     const real* __restrict__ bias, index_t plane, int channels,
                                     real* __restrict__ y, index_t size) {
    for (index_t i = thread_of_grid(); i < size; i += threads_of_grid()) {
        real sum = bias ? bias[i / plane % channels] : real(0);
        for (int p = 0; p < count; p++) sum += parts[p * size + i];
        y[i] = sum;
    }
}

// Block (i, c) adds up a part of channel c: of each sample the pixels i·256 … + 255, and those one
// row of blocks further on. A thread's own sum is float32; those of a block are added in double.
extern "C" __global__ void sum_over_pixels(const real* __restrict__ dy, int batch, int channels,
                                           index_t plane, real* __restrict__ parts) {
    __shared__ double shared[WARP];
    for (int c = blockIdx.y; c < channels; c += gridDim.y) {
        double sum = 0;
        for (int n = 0; n < batch; n++) {
            const real* from = dy + (index_t(n) * channels + c) * plane;
            real own = 0;
            for (index_t i = thread_of_grid(); i < plane; i += threads_of_grid()) own += from[i];
            sum += own;
        }
        sum = block_sum(sum, shared);
        if (threadIdx.x == 0) parts[index_t(blockIdx.x) * channels + c] = real(sum);
    }
}
