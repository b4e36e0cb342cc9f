// The gradient of the filters as a product of matrices.
//
//     dw[m][c, tap] = Σ over pixels q of all samples of  dy[n, m, q] · x[n, c, q·stride + tap]
//
//            K = pixels            N = channels × taps
//          ┌──────┬────┐          ┌───────┐
//        M │ dy   │    │        K │ x     │
//          └──────┴────┘          │ gath- │
//      M = output channels        │ ered  │  PIXELS of it at a time
//                                 └───────┘
//
// K is as long as there are pixels, M and N as a filter is large: there would be few blocks, and
// each would sum for long. Hence `splits` blocks share a tile of dw, each sums a part of the pixels,
// and `add_parts` (conv_sums.cu) adds up what they leave, in one order.
//
// In shared memory a row is an output channel, or a channel and a tap, and goes along the pixels, as
// both arrays do in global memory. A tile has PIXELS of them, 128 bytes: the 32 lanes of a warp (16
// in float64) read neighbouring pixels of one row, coalesced. A thread has the same pixel of the
// tile in all rows of its PART: where it lies is worked out once a tile; rows of x that follow one
// another are RUN channels under one tap, looked up once, then RUN under the next.
#pragma once

constexpr int THREADS = TILE_N;

#include "pipeline.cuh"
#include "plan.cuh"

constexpr int PIXELS = 128 / sizeof(real);
constexpr int PARTS = THREADS / PIXELS;
constexpr int M_ROWS = TILE_M / PARTS, N_ROWS = TILE_N / PARTS;  // of a thread
constexpr int LOOK_UPS = RUN == 16 ? 2 : 1;  // of taps, at once: registers hold no more

// What a block computes.
struct Work {
    const Plan& plan;
    const Class& part;
    int group, split, first_m, first_n;
    int tile, end;  // tiles of K

    __device__ __forceinline__ Work(const int* plan_words, int splits)
        : plan(plan_of(plan_words)), part(class_of(plan_words, 0)) {
        int row_blocks = (plan.outputs + TILE_M - 1) / TILE_M;
        first_m = blockIdx.x % row_blocks * TILE_M;
        first_n = blockIdx.x / row_blocks * TILE_N;
        group = blockIdx.y;
        split = blockIdx.z;
        index_t tiles = (index_t(plan.batch) * part.count.product() + PIXELS - 1) / PIXELS;
        tile = int(tiles * split / splits);
        end = int(tiles * (split + 1) / splits);
    }
};

// One thread's share of all tiles. LAYOUT says where pixel k of a row is.
template <class LAYOUT>
struct Reader {
    const real *dy, *x;  // the planes of my first rows, in the first sample
    const int* taps;
    const Plan& plan;
    const Class& part;
    Axes q, step;  // my pixel, and from it to my next
    unsigned sample, samples_a_step;
    int m_left, tap, channel;  // rows of dy from my first on; my first row of x

    __device__ __forceinline__ Reader(const real* dy, const real* x, const int* all_taps,
                                      const Work& work)
        : taps(all_taps), plan(work.plan), part(work.part) {
        unsigned pixel = unsigned(work.tile) * PIXELS + threadIdx.x % PIXELS;
        q = place_of(pixel, part.count, sample);
        step = place_of(PIXELS, part.count, samples_a_step);
        int my_part = threadIdx.x / PIXELS;
        int first_m = work.first_m + my_part * M_ROWS;
        m_left = plan.outputs - first_m;
        int run = (work.first_n + my_part * N_ROWS) / RUN;
        tap = run % part.taps;
        channel = run / part.taps * RUN;
        this->dy = dy + (index_t(work.group) * plan.outputs + first_m) * part.count.product();
        this->x = x + (index_t(work.group) * plan.channels + channel) * plan.in.product();
    }

    // Start my copies of the tile that comes next, and go on to my pixel of the one after that.
    __device__ __forceinline__ void fetch(real* dy_to, real* x_to) {
        int k = threadIdx.x % PIXELS, my_part = threadIdx.x / PIXELS;
        bool any = sample < plan.batch;
        index_t group = index_t(any ? sample : 0) * plan.groups, plane = part.count.product();
        const real* from = dy + group * plan.outputs * plane + place_in(q, part.count);
#pragma unroll
        for (int m = 0; m < M_ROWS; m++) {
            copy_async<sizeof(real)>(dy_to + LAYOUT::at(my_part * M_ROWS + m, k), from,
                                     any && m < m_left);
            from += plane;
        }
        Axes place = {q.d * plan.in_stride.d, q.h * plan.in_stride.h, q.w * plan.in_stride.w};
        plane = plan.in.product();
        int my_tap = tap, c = channel;
#pragma unroll LOOK_UPS
        for (int n = 0; n < N_ROWS; n += RUN) {
            Axes at = moved(place, tap_of(taps, my_tap));
            bool there = any && inside(at, plan.in);
            from = x + (group * plan.channels + c - channel) * plane;
            from += there ? place_in(at, plan.in) : 0;
#pragma unroll
            for (int i = 0; i < RUN; i++) {
                copy_async<sizeof(real)>(x_to + LAYOUT::at(my_part * N_ROWS + n + i, k), from,
                                         there && c + i < plan.channels);
                from += plane;
            }
            if (++my_tap == part.taps) my_tap = 0, c += RUN;
        }
        advance();
    }

    // PIXELS further on: the digits are added one by one, each with its carry.
    __device__ __forceinline__ void advance() {
        const Axes& count = part.count;
        q.w += step.w;
        int carry = q.w >= count.w;
        q.w -= carry ? count.w : 0;
        q.h += step.h + carry;
        carry = q.h >= count.h;
        q.h -= carry ? count.h : 0;
        q.d += step.d + carry;
        carry = q.d >= count.d;
        q.d -= carry ? count.d : 0;
        sample += samples_a_step + carry;
    }
};

// The column of dw that a thread writes: a channel and a tap, in the rows of the tile.
__device__ __forceinline__ Column column_of(const Work& work, const int* taps, real* dw) {
    const Plan& plan = work.plan;
    int n = work.first_n + threadIdx.x, run = n / RUN;
    int channel = run / work.part.taps * RUN + n % RUN;
    int tap = tap_of(taps, work.part.taps_at + run % work.part.taps).w;
    index_t step = index_t(plan.channels) * work.part.taps;
    index_t first = (index_t(work.group) * plan.outputs + work.first_m) * step;
    return {dw + first + index_t(channel) * work.part.taps + tap,
            channel < plan.channels ? plan.outputs - work.first_m : 0, step, nullptr};
}
