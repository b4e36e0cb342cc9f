// What a convolution's blocks have to do, as conv_plan.py writes it: arrays of int.
#pragma once

#include "common.cuh"

constexpr int K_TILE = 16;  // rows of K that are in shared memory at a time

struct Axes {
    int d, h, w;
    __device__ __forceinline__ int product() const { return d * h * w; }
};

// The order of the fields is conv_plan.py's.
struct Plan {
    int batch, groups, channels, outputs;  // channels that a group reads, and that it writes
    Axes in, in_stride, out, out_stride;
    int tiles, classes;                    // tiles of K, of all classes together
};

struct Class {
    Axes first, count;  // of its pixels q
    int taps_at, taps;  // those that it has
    int tiles_at, tiles;
};

__device__ __forceinline__ const Plan& plan_of(const int* words) {
    return *reinterpret_cast<const Plan*>(words);
}

__device__ __forceinline__ const Class& class_of(const int* words, int number) {
    return reinterpret_cast<const Class*>(words + sizeof(Plan) / sizeof(int))[number];
}

// A tap: its offset in the input (x, y, z for d, h, w), and its number in the filter (w).
__device__ __forceinline__ int4 tap_of(const int* taps, int number) {
    return reinterpret_cast<const int4*>(taps)[number];
}

// A pixel's place among `count` of each sample, and its sample.
__device__ __forceinline__ Axes place_of(unsigned pixel, const Axes& count, unsigned& sample) {
    unsigned line = pixel / count.w, slice = line / count.h;
    sample = slice / count.d;
    return {int(slice % count.d), int(line % count.h), int(pixel % count.w)};
}

// Where pixel q of a class, of one sample and channel, lies in the output.
__device__ __forceinline__ index_t target_of(const Plan& plan, const Class& part, const Axes& q,
                                             unsigned sample, int channel) {
    index_t d = q.d * plan.out_stride.d + part.first.d;
    int h = q.h * plan.out_stride.h + part.first.h;
    int w = q.w * plan.out_stride.w + part.first.w;
    index_t place = index_t(sample) * plan.groups * plan.outputs + channel;
    return ((place * plan.out.d + d) * plan.out.h + h) * plan.out.w + w;
}

// A place under a tap, whether it is inside a plane, and where.
__device__ __forceinline__ Axes moved(const Axes& place, const int4& tap) {
    return {place.d + tap.x, place.h + tap.y, place.w + tap.z};
}

__device__ __forceinline__ bool inside(const Axes& at, const Axes& size) {
    return unsigned(at.d) < unsigned(size.d) && unsigned(at.h) < unsigned(size.h) &&
           unsigned(at.w) < unsigned(size.w);
}

__device__ __forceinline__ int place_in(const Axes& at, const Axes& size) {
    return (at.d * size.h + at.h) * size.w + at.w;
}
