"""The gradient of a convolution's filters, the second rung: tiles, and a sum in parts.

    dw[o, c, κ] = Σ_n Σ_ω dy[n, o, ω] · x̂[n, c, ω·stride + κ·dilation − padding]

For one tap κ that is a matrix product too, over the pixels of all samples. A block of 16 × 16
threads computes 16 outputs × 16 channels of one tap, 16 pixels at a time, as in `conv_tiled`:

                        c 0 … 15
                       ┌──────────┐
              p … +15  │  x_tile  │
                       └──────────┘
              p … +15
            ┌─────────┐┌──────────┐
    output  │ dy_tile ││  totals  │
    0 … 15  └─────────┘└──────────┘

There are many pixels and few weights: one block for every tile of dw would leave most of the GPU
idle. So the pixels are cut into parts, each summed by blocks of its own into an array of its own.
The parts are added at the end, always in the same order: results don't vary from run to run.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from ..geometry import Geometry
from .arrays import contiguous, empty, with_three_axes
from .conv_places import Places, of_convolution, pixel, reads
from .conv_tiled import ROW, TILE, add_products
from .launch import BLOCKS, kernel
from .signatures import Real4, Real5

LONGEST = TILE * 4096  # pixels of a part: so many tiles are added one after the other
MOST_PARTS = 65535  # blocks of a grid along its third axis


@kernel
def weight_tiles_kernel(
    dy: Real5, x: Real5, parts: Real4, places: Places, groups: int, length: int
) -> None:
    """Sum 16 × 16 weights of a tap over one part of the pixels; parts is (parts, taps, O, C/G)."""
    dy_tile = cuda.shared.array((TILE, ROW), x.dtype)  # [output, pixel]
    x_tile = cuda.shared.array((TILE, ROW), x.dtype)  # [c, pixel]
    row, column = cuda.threadIdx.y, cuda.threadIdx.x
    _, taps, all_outputs, inputs = parts.shape
    outputs = all_outputs // groups

    tap, first_c = cuda.blockIdx.x % taps, cuda.blockIdx.x // taps * TILE
    tiles = (outputs + TILE - 1) // TILE  # of one group
    group = cuda.blockIdx.y // tiles
    first_o = cuda.blockIdx.y % tiles * TILE
    output = group * outputs + first_o + row

    nothing = x.dtype.type(0)
    total = nothing
    part = cuda.blockIdx.z
    for p in range(part * length, (part + 1) * length, TILE):
        n, at_d, at_h, at_w = pixel(p + column, places.result)
        exists = n < dy.shape[0]
        d, h, v, found = reads(at_d, at_h, at_w, tap, places)
        dy_tile[row, column] = nothing
        if exists and first_o + row < outputs:
            dy_tile[row, column] = dy[n, output, at_d, at_h, at_w]
        x_tile[row, column] = nothing
        if exists and found and first_c + row < inputs:
            x_tile[row, column] = x[n, group * inputs + first_c + row, d, h, v]
        cuda.syncthreads()
        total = add_products(total, dy_tile, row, x_tile, column)
        cuda.syncthreads()
    if first_o + row < outputs and first_c + column < inputs:
        parts[part, tap, output, first_c + column] = total


def weight_gradient(dy: Any, x: Any, g: Geometry, groups: int) -> Any:
    """Return the gradient of a convolution's filters: (O, C/groups, taps)."""
    outputs, inputs = dy.shape[1], x.shape[1] // groups
    taps = g.kernel[0] * g.kernel[1] * g.kernel[2]
    tiles = (taps * -(-inputs // TILE), groups * -(-outputs // groups // TILE))
    pixels = dy.size // outputs
    length = part_length(pixels, tiles[0] * tiles[1])
    parts = empty((-(-pixels // length), taps, outputs, inputs), x)
    weight_tiles_kernel[(*tiles, len(parts)), (TILE, TILE)](
        with_three_axes(dy), with_three_axes(x), parts, of_convolution(g), groups, length
    )
    return contiguous(parts.sum(axis=0).transpose(1, 2, 0))


def part_length(pixels: int, tiles: int) -> int:
    """Return how many pixels a part has, a multiple of TILE: BLOCKS blocks in all, if that many."""
    wanted = max(1, BLOCKS // tiles, -(-pixels // LONGEST))
    return -(-pixels // min(wanted, MOST_PARTS) // TILE) * TILE
