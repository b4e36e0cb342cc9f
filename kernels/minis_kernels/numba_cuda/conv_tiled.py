"""Convolution, the second rung, and its adjoint: a block shares what its threads read.

For one tap κ a convolution is a matrix product, of the filters at that tap and of the pixels that
it reads. A block of 16 × 16 threads computes 16 outputs of 16 pixels, for all taps in turn and, at
each, for 16 channels c at a time:

                        pixel 0 … 15                  each thread (row, column)
                       ┌────────────┐                   1. reads w[κ, row, c₀ + column]
              c₀ … +15 │   x_tile   │                   2. reads x of the channel c₀ + row at the
                       └────────────┘                      place where pixel `column` reads by κ
              c₀ … +15                                  3. waits until all of the block have
            ┌──────────┐┌────────────┐                  4. adds 16 products to its sum
    output  │  w_tile  ││   totals   │                  5. waits again, before the tiles are
    0 … 15  └──────────┘└────────────┘                     overwritten

So each thread reads 2 numbers from the GPU's memory for 16 products, where one of `conv_naive`
reads 32; the other 30 come from shared memory. Without the first wait a thread would multiply what
has not been read yet; without the second it would overwrite what others still multiply.

The adjoint is the same with other places (`conv_places`), and with the filters' axes exchanged. Of
a stride of 2 only each second tap along an axis falls on a pixel: taps that no pixel of the block
meets are passed over by all of its threads together, by a vote.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from ..geometry import Geometry
from .arrays import contiguous, empty, with_three_axes
from .conv_places import Places, of_adjoint, of_convolution, pixel, reads
from .launch import SIMULATED, device, kernel
from .signatures import Real1, Real3, Real5

TILE = 4 if SIMULATED else 16
# Shared memory lies in 32 banks, number i in bank i % 32, which serve one address each at a time.
# In rows of 16, a column's numbers would lie in two banks; in rows of 17, all in different ones.
ROW = TILE + 1


@device
def add_products(total: Any, left: Any, row: int, right: Any, column: int) -> Any:
    """Add the products of a row of one tile with a row of another."""
    for i in range(TILE):
        total += left[row, i] * right[column, i]
    return total


@kernel
def gather_kernel(x: Real5, w: Real3, b: Real1, y: Real5, places: Places, groups: int) -> None:
    """Compute 16 outputs of 16 pixels; w is (taps, outputs, inputs of a group)."""
    w_tile = cuda.shared.array((TILE, ROW), x.dtype)  # [output, c]
    x_tile = cuda.shared.array((TILE, ROW), x.dtype)  # [pixel, c]
    row, column = cuda.threadIdx.y, cuda.threadIdx.x
    taps, all_outputs, inputs = w.shape
    outputs = all_outputs // groups
    tiles = (outputs + TILE - 1) // TILE  # of one group
    group = cuda.blockIdx.y // tiles
    first = cuda.blockIdx.y % tiles * TILE  # output of the group, in row 0
    in_group = first + row < outputs
    output = group * outputs + first + row

    index = cuda.blockIdx.x * TILE + column
    n, at_d, at_h, at_w = pixel(index, places.result)
    exists = n < y.shape[0]

    nothing = x.dtype.type(0)
    total = nothing
    for tap in range(taps):
        d, h, v, found = reads(at_d, at_h, at_w, tap, places)
        found = found and exists
        if not places.zeros and not cuda.syncthreads_or(int(found)):
            continue  # the tap falls on no pixel of this block
        for c in range(0, inputs, TILE):
            w_tile[row, column] = nothing
            if in_group and c + column < inputs:
                w_tile[row, column] = w[tap, output, c + column]
            x_tile[column, row] = nothing
            if found and c + row < inputs:
                x_tile[column, row] = x[n, group * inputs + c + row, d, h, v]
            cuda.syncthreads()
            if found or places.zeros:
                total = add_products(total, w_tile, row, x_tile, column)
            cuda.syncthreads()
    if in_group and exists:
        y[n, output, at_d, at_h, at_w] = total + b[output]


def convolve(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Convolve x with w (O, C/groups, *k), and add b (O,): (N, O, D, H, W)."""
    filters = w.reshape(*w.shape[:2], -1).transpose(2, 0, 1)  # (taps, O, C/G)
    return _gather(x, filters, b, of_convolution(g), groups)


def adjoint(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Apply the adjoint of `convolve` to x (N, O, *out), and add b (C,)."""
    filters = w.reshape(groups, len(w) // groups, w.shape[1], -1).transpose(3, 0, 2, 1)
    # (taps, G, C/G, O/G) -> (taps, C, O/G)
    filters = filters.reshape(len(filters), -1, filters.shape[3])
    return _gather(x, filters, b, of_adjoint(g), groups)


def _gather(x: Any, filters: Any, b: Any, places: Places, groups: int) -> Any:
    outputs = filters.shape[1]
    y = empty((len(x), outputs, *places.result), x)
    pixels = y.size // outputs
    tiles = (-(-pixels // TILE), groups * -(-outputs // groups // TILE))
    arrays = (with_three_axes(x), contiguous(filters), b, y)
    gather_kernel[tiles, (TILE, TILE)](*arrays, places, groups)
    return y
