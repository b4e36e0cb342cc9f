// Convolution and its adjoint as one gather, and how a thread carries it out.
//
//     y[n, m, q·out_stride + first] = Σ over taps, c of  W[m][c, tap] · x[n, c, q·in_stride + tap]
//
// with zeros outside x. A convolution's taps are κ·dilation − padding, its out_stride 1. In the
// adjoint (dx, and transposed convolution) each residue of the stride has taps of its own: a class
// of pixels q, whose out_stride is the stride and whose `first` is the residue. A class may have no
// taps at all: its outputs are the bias.
//
// As a product of matrices, in the tile that a block computes:
//
//          K = channels × taps           N = pixels q of all samples
//        ┌──────────┬────┐             ┌───────┐
//      M │ W        │    │  TILE_M   K │ x     │          y[M][N] = W[M][K] · x[K][N]
//        └──────────┴────┘             │ gath- │
//     M = output channels,             │ ered  │ ← K_TILE rows of it
//     of one group                     └───────┘   are in shared memory at a time
//                                        TILE_N
//
// The matrix x is never written anywhere: a block gathers its tiles from the input. A block has
// TILE_N threads, and each has one pixel: it works out once where that lies, reads all rows of its
// column of x, and writes its column of y. Threads that are neighbours have neighbouring pixels, so
// that each row is one coalesced read.
//
// K goes through RUN channels, then through the taps, then through the next RUN channels: a thread
// looks up a tap, and whether its pixel's neighbour lies inside, once for RUN rows. And since the
// taps of one set of channels follow one another, nearly all their reads are found in the L1 cache.
// RUN is 16, a tile's rows, or less where there are few channels and most of the 16 would be zeros.
#pragma once

constexpr int THREADS = TILE_N;

#include "pipeline.cuh"
#include "plan.cuh"

// What a block computes. The blocks that share their pixels have neighbouring numbers: they run at
// the same time, and all but the first find x in the L2 cache.
struct Work {
    const Plan& plan;
    const Class& part;
    int row_blocks, row_block, pixel_block;
    int group, split;
    int tile, end;  // tiles of K

    __device__ __forceinline__ Work(const int* plan_words, int splits)
        : plan(plan_of(plan_words)), part(class_of(plan_words, blockIdx.z / splits)) {
        row_blocks = (plan.outputs + TILE_M - 1) / TILE_M;
        row_block = blockIdx.x % row_blocks;
        pixel_block = blockIdx.x / row_blocks;
        group = blockIdx.y;
        split = blockIdx.z % splits;
        tile = int(index_t(part.tiles) * split / splits);
        end = int(index_t(part.tiles) * (split + 1) / splits);
    }

    // Whether a class has fewer pixels than another, and none for this block.
    __device__ __forceinline__ bool none() const {
        return index_t(pixel_block) * TILE_N >= index_t(plan.batch) * part.count.product();
    }
};

// One thread's pixel.
struct Pixel {
    bool any;  // false beyond the last one: the thread then reads the first, and writes nothing
    unsigned sample;
    Axes q;

    __device__ __forceinline__ Pixel(const Work& work) {
        index_t number = index_t(work.pixel_block) * TILE_N + threadIdx.x;
        any = number < index_t(work.plan.batch) * work.part.count.product();
        q = place_of(any ? unsigned(number) : 0, work.part.count, sample);
    }
};

// One thread's share of all tiles: its part of W, and its pixel's column of x. In a slot of shared
// memory W comes first; a row of x has PITCH numbers.
template <int W_BYTES, int PITCH>
struct Reader {
    const char* w;           // this block's tiles
    const real* channel_at;  // the plane, in its sample, of the channel that comes next
    int channel, channels;   // its number in the group
    Axes place, size;        // of the pixel under a tap of no offset, and of a plane
    int plane;
    const int* taps;
    int tap, count;  // the tap that comes next, and how many there are
    int4 next;       // and the tap itself: it is loaded before it is needed

    __device__ __forceinline__ Reader(const real* x, const real* weights, const int* all_taps,
                                      const Work& work, const Pixel& pixel) {
        const Plan& plan = work.plan;
        index_t first = index_t(work.group * work.row_blocks + work.row_block) * plan.tiles;
        w = reinterpret_cast<const char*>(weights) +
            (first + work.part.tiles_at + work.tile) * W_BYTES;
        size = plan.in;
        plane = size.product();
        channels = plan.channels;
        taps = all_taps + 4 * work.part.taps_at;
        count = work.part.taps;
        place = {pixel.q.d * plan.in_stride.d, pixel.q.h * plan.in_stride.h,
                 pixel.q.w * plan.in_stride.w};
        int runs = work.tile * (K_TILE / RUN);
        tap = count ? runs % count : 0;
        channel = count ? runs / count * RUN : 0;
        index_t of_all = (index_t(pixel.sample) * plan.groups + work.group) * channels + channel;
        channel_at = x + of_all * plane;
        if (count) next = tap_of(taps, tap);
    }

    // Start my copies of the tile that comes next.
    __device__ __forceinline__ void fetch(char* slot, int tile) {
#pragma unroll
        for (int i = 0; i < W_BYTES / 16; i += THREADS) {
            int at = 16 * (i + threadIdx.x);
            if (at < W_BYTES) copy_async<16>(slot + at, w + index_t(tile) * W_BYTES + at, true);
        }
        real* to = reinterpret_cast<real*>(slot + W_BYTES) + threadIdx.x;
#pragma unroll
        for (int row = 0; row < K_TILE; row += RUN) {
            Axes at = moved(place, next);
            bool there = inside(at, size);
            const real* from = channel_at + (there ? place_in(at, size) : 0);
#pragma unroll
            for (int c = 0; c < RUN; c++) {
                copy_async<sizeof(real)>(to + (row + c) * PITCH, from,
                                         there && channel + c < channels);
                from += plane;
            }
            if (++tap == count) {
                tap = 0;
                channel += RUN;
                channel_at += index_t(RUN) * plane;
            }
            next = tap_of(taps, tap);
        }
    }
};

// The column of y that a thread writes: its pixel, in the rows of the tile.
__device__ __forceinline__ Column column_of(const Work& work, const Pixel& pixel, real* y,
                                            const real* bias) {
    const Plan& plan = work.plan;
    int row = work.row_block * TILE_M, channel = work.group * plan.outputs + row;
    return {y + target_of(plan, work.part, pixel.q, pixel.sample, channel),
            pixel.any ? plan.outputs - row : 0, plan.out.product(),
            bias ? bias + channel : nullptr};
}
