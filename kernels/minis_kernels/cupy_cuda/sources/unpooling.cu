// Putting values at indices of planes, adding them there, and reading them back.
//
// A block takes a plane: it zeroes it, puts the values, and goes on to the next. A plane of up to
// 48 KB is made in shared memory and written once, side by side: every result costs its own bytes,
// and each value its own and 8 for its index. A larger one stays in the L2 cache meanwhile, if that
// has the room. Where there are few planes, and large ones, the whole grid takes each step by
// itself.
//
// Of several values at one index the last stays. To find it, whichever order threads come in, each
// cell first takes the largest number of a value that claims it, in the bytes of the result itself,
// and then that value. What is added is added atomically: in a cell that three or more values
// share, the order of the sum, and so its last bits, may vary from run to run.
//
// An index outside of its plane puts NaN in the first cell of that plane.

#include "planes.cuh"

template <int BYTES>
struct Integer;
template <>
struct Integer<4> {
    typedef int type;
};
template <>
struct Integer<8> {
    typedef unsigned long long type;
};
typedef Integer<sizeof(real)>::type claim_t;  // a value's number, counted from 1; 0 is none

constexpr claim_t OUTSIDE = 0x7fffffff;  // what an index outside of the plane claims

__device__ __forceinline__ bool inside(index_t place, int cells) {
    return place >= 0 && place < cells;
}

__device__ __forceinline__ void add(real* plane, int cells, index_t place, real value) {
    if (inside(place, cells))
        atomicAdd(plane + place, value);
    else
        atomicAdd(plane, mark_of_error());
}

__device__ __forceinline__ void claim(real* plane, int cells, index_t place, int number) {
    claim_t* claims = reinterpret_cast<claim_t*>(plane);
    if (inside(place, cells))
        atomicMax(claims + place, claim_t(number + 1));
    else
        atomicMax(claims, OUTSIDE);
}

// The value that a cell's claim stands for.
__device__ __forceinline__ real settled(const real* cell, const real* values) {
    claim_t number = *reinterpret_cast<const claim_t*>(cell);
    return number == 0 ? real(0) : number == OUTSIDE ? mark_of_error() : values[number - 1];
}

// Every kernel here has `count` values for each plane of `cells`. A thread zeroes the cells that it
// later writes, so the next plane needs no further barrier.

extern "C" __global__ void add_to_planes(const real* __restrict__ values,
                                         const index_t* __restrict__ places, real* y, int planes,
                                         int count, int cells, bool in_shared) {
    DYNAMIC_SHARED(real, kept);
    for (int p = blockIdx.x; p < planes; p += gridDim.x) {
        index_t first = index_t(p) * count;
        real* result = y + index_t(p) * cells;
        real* plane = in_shared ? kept : result;
        for (int i = threadIdx.x; i < cells; i += blockDim.x) plane[i] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < count; i += blockDim.x)
            add(plane, cells, places[first + i], values[first + i]);
        __syncthreads();
        if (in_shared)
            for (int i = threadIdx.x; i < cells; i += blockDim.x) result[i] = kept[i];
    }
}

extern "C" __global__ void put_in_planes(const real* __restrict__ values,
                                         const index_t* __restrict__ places, real* y, int planes,
                                         int count, int cells, bool in_shared) {
    DYNAMIC_SHARED(real, kept);
    for (int p = blockIdx.x; p < planes; p += gridDim.x) {
        index_t first = index_t(p) * count;
        real* result = y + index_t(p) * cells;
        real* plane = in_shared ? kept : result;
        for (int i = threadIdx.x; i < cells; i += blockDim.x) plane[i] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < count; i += blockDim.x)
            claim(plane, cells, places[first + i], i);
        __syncthreads();
        for (int i = threadIdx.x; i < cells; i += blockDim.x)
            result[i] = settled(plane + i, values + first);
    }
}

// The same steps, each over all planes; y begins as zeros.

extern "C" __global__ void add_values(const real* __restrict__ values,
                                      const index_t* __restrict__ places, real* y, int planes,
                                      int count, int cells) {
    EACH_CELL(i, count) EACH_PLANE(p, planes) {
        index_t at = index_t(p) * count + i;
        add(y + index_t(p) * cells, cells, places[at], values[at]);
    }
}

extern "C" __global__ void claim_cells(const index_t* __restrict__ places, real* y, int planes,
                                       int count, int cells) {
    EACH_CELL(i, count) EACH_PLANE(p, planes)
        claim(y + index_t(p) * cells, cells, places[index_t(p) * count + i], i);
}

extern "C" __global__ void settle_cells(const real* __restrict__ values, real* y, int planes,
                                        int count, int cells) {
    EACH_CELL(i, cells) EACH_PLANE(p, planes) {
        real* cell = y + index_t(p) * cells + i;
        *cell = settled(cell, values + index_t(p) * count);
    }
}

// The gradient reads: 8 bytes of index and one number for each number written.
extern "C" __global__ void read_places(const real* __restrict__ dy,
                                       const index_t* __restrict__ places, real* __restrict__ dx,
                                       int planes, int count, int cells) {
    EACH_CELL(i, count) EACH_PLANE(p, planes) {
        index_t at = index_t(p) * count + i;
        index_t place = places[at];
        dx[at] = inside(place, cells) ? dy[index_t(p) * cells + place] : mark_of_error();
    }
}
