// Planes: the last axes of an (N, C, *S) array, of which each (n, c) has one.
//
//     block (bx, by)    bx neighbouring cells of a plane × by planes
//     grid  (gx, gy)    goes on over the cells, and over the planes, in strides
//
// A thread stays at its cells and goes from plane to plane: where a window begins, or how far a
// sample lies from its neighbours, is worked out once for all planes that the thread visits. See
// planes.py.
#pragma once

#include "pack.cuh"

#define EACH_CELL(i, count)                                          \
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (count); \
         i += gridDim.x * blockDim.x)

#define EACH_PLANE(p, count)                                         \
    for (int p = blockIdx.y * blockDim.y + threadIdx.y; p < (count); \
         p += gridDim.y * blockDim.y)

// Products that the compiler must not merge with a following sum: their rounding, the NumPy text's
// too, decides between which cells a sample lies.
__device__ __forceinline__ float product(float a, float b) { return __fmul_rn(a, b); }
__device__ __forceinline__ double product(double a, double b) { return __dmul_rn(a, b); }

// What a result holds where an index, or a box, is not one: to report it would cost a
// synchronisation.
__device__ __forceinline__ real mark_of_error() { return not_a_number(); }
