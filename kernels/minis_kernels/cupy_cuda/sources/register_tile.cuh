// A block's product of two tiles in shared memory by ordinary multiply-adds, in registers.
//
// A thread sums OWN_M × OWN_N outputs, 8 × 8 as a rule: for each k it reads 8 + 8 numbers and
// multiplies 64 times. It reads packs of 16 bytes. Its outputs are therefore packs, too, and its
// packs lie a part of the tile apart, so that threads which are neighbours read neighbouring packs:
//
//      columns  |t0|t1|t2|…|t15|t0|t1|t2|…|t15|      TILE_N = 128, OWN_N = 8, packs of 4
#pragma once

#include "common.cuh"

constexpr int PACK = 16 / sizeof(real);

struct alignas(16) Numbers {
    real v[PACK];
};

template <int TILE, int OWN>
struct Share {  // of TILE rows, or columns, the OWN of one thread
    static constexpr int own = OWN, packs = OWN / PACK, apart = TILE / packs;
    static_assert(OWN % PACK == 0, "whole packs");

    // Which it is: number i of thread t.
    static __device__ __forceinline__ int place(int t, int i) {
        return i / PACK * apart + t * PACK + i % PACK;
    }
};

__device__ __forceinline__ Numbers pack_at(const real* at) {
    return *reinterpret_cast<const Numbers*>(at);
}
