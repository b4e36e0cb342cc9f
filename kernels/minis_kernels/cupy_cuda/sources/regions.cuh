// Boxes on feature maps: what RoIAlign and RoIPool have in common.
//
// A block takes one box and some channels of its map: the grid is (boxes, chunks of channels). What
// depends on the box alone it works out once, in double, and keeps in shared memory for all its
// channels. Its threads then take (channel, bin) pairs, bins first, so that results are written
// side by side. See regions.py.
//
// A box that is not finite, lies further than FAR cells away, or names no map is marked by NaN in
// the results.
#pragma once

#include "planes.cuh"

constexpr double FAR = 1e12;

struct Box {
    int map;
    bool valid;
    double left, top, right, bottom;  // in cells
};

__device__ __forceinline__ bool near_enough(double coordinate) { return fabs(coordinate) < FAR; }

// The map that row r names, or −1.
__device__ __forceinline__ int map_of(const real* boxes, int r, int maps) {
    real n = boxes[index_t(r) * 5];
    return n >= 0 && n < maps && n == floor(n) ? int(n) : -1;
}

__device__ __forceinline__ Box box_of(const real* boxes, int r, int maps, double scale,
                                      double shift) {
    const real* row = boxes + index_t(r) * 5;
    Box box = {map_of(boxes, r, maps), true, product(double(row[1]), scale) - shift,
               product(double(row[2]), scale) - shift, product(double(row[3]), scale) - shift,
               product(double(row[4]), scale) - shift};
    box.valid = box.map >= 0 && near_enough(box.left) && near_enough(box.top) &&
                near_enough(box.right) && near_enough(box.bottom);
    return box;
}

// The results of one block: `count` of them, side by side from `begin` on, for the channels from
// `first` on.
struct Share {
    index_t begin;
    int first, count, bins_h, bins_w;
};

__device__ __forceinline__ Share share_of_block(int channels, int chunk, int bins_h, int bins_w) {
    int first = blockIdx.y * chunk, bins = bins_h * bins_w;
    return {(index_t(blockIdx.x) * channels + first) * bins, first,
            min(chunk, channels - first) * bins, bins_h, bins_w};
}

// The i-th of them: which channel, and which bin.
struct Place {
    int channel, row, column;
};

__device__ __forceinline__ Place place_of(const Share& s, int i) {
    int bins = s.bins_h * s.bins_w;
    return {s.first + i / bins, i % bins / s.bins_w, i % bins % s.bins_w};
}
