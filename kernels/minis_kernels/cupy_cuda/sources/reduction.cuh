// Sums over a warp and over a block, always in the same order.
//
// A long sum has three parts: a thread's own few dozen numbers, in `real`; a block's threads, in
// double; and its blocks, by a second kernel that reads what the first has left of each. No number
// depends on which block came first, as it would with atomics.
#pragma once

#include "common.cuh"

constexpr int WARP = 32;

// Each lane ends up with the sum: after a step `by`, lanes whose numbers differ in that bit agree.
__device__ __forceinline__ double warp_sum(double v) {
    for (int by = WARP / 2; by > 0; by /= 2) v += __shfl_xor_sync(WHOLE_WARP, v, by);
    return v;
}

__device__ __forceinline__ real warp_max(real v) {
    for (int by = WARP / 2; by > 0; by /= 2) {
        real other = __shfl_xor_sync(WHOLE_WARP, v, by);
        v = other > v ? other : v;
    }
    return v;
}

// The sum over all threads of a block, whose warps are whole; every thread gets it. `shared` has
// room for WARP numbers and is free again for the next sum: the barrier before writing sees to it.
__device__ __forceinline__ double block_sum(double v, double* shared) {
    int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP, warps = blockDim.x / WARP;
    v = warp_sum(v);
    __syncthreads();
    if (lane == 0) shared[warp] = v;
    __syncthreads();
    return warp_sum(lane < warps ? shared[lane] : 0.0);
}

// The sum of an array by one block.
__device__ __forceinline__ double array_sum(const double* values, int count, double* shared) {
    double total = 0;
    for (int i = threadIdx.x; i < count; i += blockDim.x) total += values[i];
    return block_sum(total, shared);
}

// The sum of an array by one warp.
__device__ __forceinline__ double warp_total(const double* values, int count) {
    double total = 0;
    for (int i = threadIdx.x; i < count; i += WARP) total += values[i];
    return warp_sum(total);
}

// One warp makes mean and variance of `count` numbers from those of their parts, each of `share`
// numbers but for the last: Σ (x − mean)² of a part is that about the part's own mean, and its size
// times the square of the distance between both means.
__device__ __forceinline__ void merged(const double* means, const double* squares, int parts,
                                       int share, int count, double& mean, double& var) {
    double total = 0, square = 0;
    for (int i = threadIdx.x; i < parts; i += WARP)
        total += means[i] * min(share, count - i * share);
    mean = warp_sum(total) / count;
    for (int i = threadIdx.x; i < parts; i += WARP) {
        double distance = means[i] - mean;
        square += squares[i] + distance * distance * min(share, count - i * share);
    }
    var = warp_sum(square) / count;
}
