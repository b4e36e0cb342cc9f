// A long product in tiles that stream through shared memory, and who writes what comes out.
#pragma once

#include "copy_async.cuh"

// Multiply all tiles, one after the other, while STAGES − 1 more are on their way. Tile i is in slot
// i % STAGES. fetch(slot, i) starts the copies of one thread's share of a tile.
//
//      wait        until my copies of tile i have arrived
//      barrier     now everybody's have; and everybody is done with tile i − 1, so that
//      fetch       tile i + STAGES − 1 may go to its slot
//      multiply    tile i
//
// Thus one barrier a tile.
template <int SLOT, class Fetch, class Multiply>
__device__ __forceinline__ void stream(void* shared, int tiles, Fetch fetch, Multiply multiply) {
    char* slots = static_cast<char*>(shared);
    auto start = [&](int tile) {
        if (tile < tiles) fetch(slots + tile % STAGES * SLOT, tile);
        close_group();  // an empty one too: the wait below counts groups
    };
    for (int tile = 0; tile < STAGES - 1; tile++) start(tile);
    for (int tile = 0; tile < tiles; tile++) {
        wait_groups<STAGES - 2>();
        __syncthreads();
        start(tile + STAGES - 1);
        multiply(slots + tile % STAGES * SLOT);
    }
    wait_groups<0>();
}

// One thread's column of a block's tile of results.
struct Column {
    real* first;
    int count;         // rows that there are: fewer than the tile's in the last block, or none
    index_t step;      // from one row to the next
    const real* bias;  // of each row, or null

    __device__ __forceinline__ void write(int row, real value) const {
        if (row < count) first[row * step] = bias ? value + bias[row] : value;
    }
};
