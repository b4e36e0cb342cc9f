// The scores of one pixel, in an array seen as (outer, classes, inner).
//
// A thread has a pixel, and its neighbour the neighbouring pixel: whatever class they read, they
// read side by side. With MOST > 0 a thread holds up to MOST scores in registers, so each is read
// once; the file is compiled for 8 and for 32. With MOST = 0 there may be any number, and they are
// read again, or from the result where something was put. Where a pixel's scores lie side by side
// (inner = 1) and are many, a warp has the pixel instead of a thread, and its lanes the scores.
#pragma once

#include "reduction.cuh"

#ifndef MOST
#define MOST 0
#endif

#if MOST
#define EACH_CLASS(line, k)      \
    _Pragma("unroll")            \
    for (int k = 0; k < MOST; k++) \
        if (k < (line).classes)
#else
#define EACH_CLASS(line, k) \
    _Pragma("unroll 2")     \
    for (int k = (line).lane; k < (line).classes; k += (line).lanes)
#endif

// Which pixel comes first for this thread, and how far it is to the next.
__device__ __forceinline__ int first_pixel(int lanes) { return thread_of_grid() / lanes; }
__device__ __forceinline__ int next_pixel(int lanes) { return threads_of_grid() / lanes; }

struct Line {
    const real* from;
    real* to;
    index_t step;
    int classes, lanes, lane;
#if MOST
    real held[MOST];
#endif
};

__device__ __forceinline__ Line line_of(const real* source, real* target, int pixel, int classes,
                                        int inner, int lanes) {
    index_t at = index_t(pixel / inner) * classes * inner + pixel % inner;
    Line line = {source + at, target + at, inner, classes, lanes, int(threadIdx.x) % lanes};
#if MOST
    EACH_CLASS(line, k) line.held[k] = line.from[k * line.step];
#endif
    return line;
}

// A score; what was kept in its place; and the sum and the largest of what all threads have that
// share a pixel.
#if MOST
__device__ __forceinline__ real given(const Line& line, int k) { return line.held[k]; }
__device__ __forceinline__ real kept(const Line& line, int k) { return line.held[k]; }
__device__ __forceinline__ void keep(Line& line, int k, real v) { line.held[k] = v; }
__device__ __forceinline__ real sum(const Line&, real v) { return v; }
__device__ __forceinline__ real most(const Line&, real v) { return v; }
#else
__device__ __forceinline__ real given(const Line& line, int k) { return line.from[k * line.step]; }
__device__ __forceinline__ real kept(const Line& line, int k) { return line.to[k * line.step]; }
__device__ __forceinline__ void keep(Line& line, int k, real v) { line.to[k * line.step] = v; }
__device__ __forceinline__ real sum(const Line& line, real v) {
    return line.lanes > 1 ? real(warp_sum(v)) : v;
}
__device__ __forceinline__ real most(const Line& line, real v) {
    return line.lanes > 1 ? warp_max(v) : v;
}
#endif

__device__ __forceinline__ void write(Line& line, int k, real v) { line.to[k * line.step] = v; }

// The largest score; where one is NaN any will do, as its exponential is NaN.
__device__ __forceinline__ real largest(const Line& line) {
    real top = -infinity();
    EACH_CLASS(line, k) top = given(line, k) > top ? given(line, k) : top;
    return most(line, top);
}

// Keep e^(score − top) in each score's place, and return their sum.
__device__ __forceinline__ real exponentials(Line& line, real top) {
    real total = 0;
    EACH_CLASS(line, k) {
        real e = exp(given(line, k) - top);
        keep(line, k, e), total += e;
    }
    return sum(line, total);
}
