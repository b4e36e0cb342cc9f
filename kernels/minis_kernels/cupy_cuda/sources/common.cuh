// What every kernel here begins with.
//
// REAL is float or double: a file is compiled once for each. Offsets into arrays are `index_t`,
// since a batch of volumes passes 2³¹ numbers.
#pragma once

#ifndef REAL
#define REAL float
#endif

typedef long long index_t;
typedef REAL real;

#ifndef CUDA_ON_CPU
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) type name[]
#endif

#define WHOLE_WARP 0xffffffffu

// This thread's number in the whole grid, and how many threads the grid has.
__device__ __forceinline__ index_t thread_of_grid() {
    return index_t(blockIdx.x) * blockDim.x + threadIdx.x;
}

__device__ __forceinline__ index_t threads_of_grid() {
    return index_t(gridDim.x) * blockDim.x;
}

__device__ __forceinline__ real infinity() { return real(__int_as_float(0x7f800000)); }

__device__ __forceinline__ real not_a_number() { return real(__int_as_float(0x7fffffff)); }
