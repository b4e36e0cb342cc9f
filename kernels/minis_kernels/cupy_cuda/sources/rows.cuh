// Rows, whose numbers are gone over together: a channel of a batch, or a group of channels.
//
// Row r begins at r · start. It has `segments` runs of `length` numbers that lie side by side, and
// from one run to the next it is `stride`:
//
//     a channel of (N, C, P)                   start P        N runs, C·P apart
//     a group of M channels of one sample      start M·P      M runs, P apart
//
// The grid is (rows, parts): block (r, p) takes `share` numbers of row r, from p · share on, and
// its threads take packs of them side by side. The last part may be shorter. See rows.py.
#pragma once

#include "pack.cuh"

struct Rows {
    index_t start, stride;
    int length, segments, share;
    bool wide;  // packs of WIDTH numbers fit into each run
};

// The first number of this block's part of its row, and the first that no longer belongs to it.
__device__ __forceinline__ int part_begin(const Rows& r, int part) { return part * r.share; }

__device__ __forceinline__ int part_size(const Rows& r, int part) {
    return min(r.share, r.length * r.segments - part_begin(r, part));
}

template <int N, class Visit>
__device__ __forceinline__ void each_pack_of(Width<N> width, const Rows& r, int row, int part,
                                             Visit visit) {
    int length = r.length / N, step = blockDim.x;  // here all is counted in packs
    index_t begin = row * r.start / N, stride = r.stride / N;
    int at = part_begin(r, part) / N + threadIdx.x;
    int end = (part_begin(r, part) + part_size(r, part)) / N;
    int segment = at / length, place = at % length;
    int segments_on = step / length, places_on = step % length;  // no division in the loop
    for (; at < end; at += step) {
        visit(width, (begin + segment * stride + place) * N, segment);
        segment += segments_on, place += places_on;
        if (place >= length) place -= length, segment++;
    }
}

// Call visit(width, place in the array, segment) for this thread's packs of part (row, part).
template <class Visit>
__device__ __forceinline__ void each_pack_of(const Rows& r, int row, int part, Visit visit) {
    if (r.wide)
        each_pack_of(Width<WIDTH>(), r, row, part, visit);
    else
        each_pack_of(Width<1>(), r, row, part, visit);
}
