// Convolution of tiny groups, such as each channel by itself ("depthwise"), its adjoint, and the
// gradient of its filters. What they are is told in gather.cuh; here no tile is shared.
//
// With one channel in and one or two out there are as few multiplications as numbers: what counts is
// that x is read from memory once and y written once. A thread sums one output, and reads x where
// it lies: neighbours in a warp read neighbouring pixels, and what another tap or another line needs
// again is found in the L1 cache. The filter's weights are the same for a whole block.
//
// Everything is computed in `real`: tensor cores would have nothing to save.
#include "plan.cuh"
#include "reduction.cuh"

// Blocks: (pixels of a class, output channels, classes).
extern "C" __global__ void convolve(const real* __restrict__ x, const real* __restrict__ w,
                                    const real* __restrict__ bias, real* __restrict__ y,
                                    const int* __restrict__ plan_words,
                                    const int* __restrict__ taps, index_t group_step,
                                    index_t m_step, index_t c_step) {
    const Plan& plan = plan_of(plan_words);
    const Class& part = class_of(plan_words, blockIdx.z);
    index_t pixels = index_t(plan.batch) * part.count.product();
    int plane = plan.in.product(), all = plan.groups * plan.outputs;
    for (index_t pixel = thread_of_grid(); pixel < pixels; pixel += threads_of_grid()) {
        unsigned sample;
        Axes q = place_of(unsigned(pixel), part.count, sample);
        Axes place = {q.d * plan.in_stride.d, q.h * plan.in_stride.h, q.w * plan.in_stride.w};
        for (int channel = blockIdx.y; channel < all; channel += gridDim.y) {
            int group = channel / plan.outputs, m = channel % plan.outputs;
            const real* filter = w + group * group_step + m * m_step;
            const real* from =
                x + (index_t(sample) * plan.groups + group) * plan.channels * plane;
            real sum = bias ? bias[channel] : real(0);
            for (int c = 0; c < plan.channels; c++, from += plane)
                for (int t = part.taps_at; t < part.taps_at + part.taps; t++) {
                    int4 tap = tap_of(taps, t);
                    Axes at = moved(place, tap);
                    if (inside(at, plan.in))
                        sum += filter[c * c_step + tap.w] * from[place_in(at, plan.in)];
                }
            y[target_of(plan, part, q, sample, channel)] = sum;
        }
    }
}

constexpr int AT_ONCE = 9;  // taps that a thread sums, each in a register: all of a 3 × 3 filter

// Blocks: (parts of the pixels, filters' channels, sets of AT_ONCE taps). A thread goes through
// pixels one grid apart, reads dy there once and x for each tap; a block adds up its threads' sums
// and leaves them in its part. `add_parts` (conv_sums.cu) adds up the parts.
extern "C" __global__ void weight_gradient(const real* __restrict__ dy, const real* __restrict__ x,
                                           real* __restrict__ parts,
                                           const int* __restrict__ plan_words,
                                           const int* __restrict__ taps) {
    __shared__ double shared[WARP];
    const Plan& plan = plan_of(plan_words);
    const Class& part = class_of(plan_words, 0);
    index_t pixels = index_t(plan.batch) * part.count.product();
    int plane = plan.in.product(), out_plane = part.count.product();
    int first = blockIdx.z * AT_ONCE;
    int rows = plan.groups * plan.outputs * plan.channels;
    for (int row = blockIdx.y; row < rows; row += gridDim.y) {
        int channel = row / plan.channels, group = channel / plan.outputs;
        int all = plan.groups * plan.channels, of_x = group * plan.channels + row % plan.channels;
        real sum[AT_ONCE] = {};
        for (index_t pixel = thread_of_grid(); pixel < pixels; pixel += threads_of_grid()) {
            unsigned sample;
            Axes q = place_of(unsigned(pixel), part.count, sample);
            Axes place = {q.d * plan.in_stride.d, q.h * plan.in_stride.h, q.w * plan.in_stride.w};
            real slope = dy[(index_t(sample) * plan.groups * plan.outputs + channel) * out_plane +
                            place_in(q, part.count)];
            const real* from = x + (index_t(sample) * all + of_x) * plane;
#pragma unroll
            for (int i = 0; i < AT_ONCE; i++) {
                if (first + i >= part.taps) break;
                Axes at = moved(place, tap_of(taps, first + i));
                if (inside(at, plan.in)) sum[i] += slope * from[place_in(at, plan.in)];
            }
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            double total = block_sum(sum[i], shared);
            if (threadIdx.x == 0 && first + i < part.taps)
                parts[(index_t(blockIdx.x) * rows + row) * part.taps + first + i] = real(total);
        }
    }
}
