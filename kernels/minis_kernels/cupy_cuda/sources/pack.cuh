// Numbers that lie side by side, read and written 16 bytes at a time.
//
// A GPU moves memory best in accesses of 16 bytes a thread: four float32, or two float64. Where the
// numbers don't come in such packs, or don't begin at a multiple of 16 bytes, a pack is one number,
// and the same text serves both: `width` is Width<WIDTH> or Width<1>.
#pragma once

#include "common.cuh"

constexpr int WIDTH = 16 / sizeof(real);

template <int N>
struct Width {
    static constexpr int count = N;
};

template <int N>
struct alignas(N * sizeof(real)) Pack {
    real v[N];
};

template <int N>
__device__ __forceinline__ Pack<N> load(Width<N>, const real* at) {
    return *reinterpret_cast<const Pack<N>*>(at);
}

// `at` must be written as a sum of multiples of N: the compiler writes a pack in one go only where
// it sees that.
template <int N>
__device__ __forceinline__ void store(real* at, const Pack<N>& pack) {
    *reinterpret_cast<Pack<N>*>(at) = pack;
}

// Call visit(width, place of the first number) for all of `count` numbers, of which the first
// `packs` · WIDTH come in packs. Threads take packs one grid apart.
template <class Visit>
__device__ __forceinline__ void each_pack(index_t count, index_t packs, Visit visit) {
    for (index_t i = thread_of_grid(); i < packs; i += threads_of_grid())
        visit(Width<WIDTH>(), i * WIDTH);
    for (index_t i = packs * WIDTH + thread_of_grid(); i < count; i += threads_of_grid())
        visit(Width<1>(), i);
}

// y = f(x), number by number.
template <class Function>
__device__ __forceinline__ void map(const real* __restrict__ x, real* __restrict__ y,
                                    index_t count, index_t packs, Function f) {
    each_pack(count, packs, [&](auto width, index_t at) {
        auto a = load(width, x + at);
        for (int k = 0; k < width.count; k++) a.v[k] = f(a.v[k]);
        store(y + at, a);
    });
}

// z = f(x, y), number by number.
template <class Function>
__device__ __forceinline__ void map(const real* __restrict__ x, const real* __restrict__ y,
                                    real* __restrict__ z, index_t count, index_t packs,
                                    Function f) {
    each_pack(count, packs, [&](auto width, index_t at) {
        auto a = load(width, x + at), b = load(width, y + at);
        for (int k = 0; k < width.count; k++) a.v[k] = f(a.v[k], b.v[k]);
        store(z + at, a);
    });
}
