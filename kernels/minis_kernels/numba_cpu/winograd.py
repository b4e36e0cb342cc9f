"""Winograd's convolution F(4×4, 3×3): a quarter of the multiplications (Lavin & Gray 2016).

Sixteen outputs of a 3×3 filter depend on 6×6 inputs. Transformed, tile d and filter g need one
multiplication for each of 36 numbers, where the sums themselves need 144:

    y = Aᵀ [ (G g Gᵀ) ⊙ (Bᵀ d B) ] A

The sums over channels move between the transforms: 36 matrix products (O, C) · (C, tiles). A third
axis of the filter is summed there too, as further channels: its taps read the transformed planes
in front and behind.

The matrices evaluate polynomials at 0, ±3/4, ±3/2 and ∞. The usual points, 0, ±1, ±2 and ∞, make
the transforms a little cheaper; with these the error of 512 channels in float32 is 5e-6 of the
largest output instead of 1.4e-5, as good as a direct sum's.

Transforms work on `LANES` tiles at a time (`vector`), products on register tiles (`product`). Where
a layer has many tiles, each thread takes a block through all three steps while it lies in its L2
cache; where it has few tiles and many channels, threads share the channels, then the outputs.

What further steps bought on two Zen 5 cores, 64 channels at 256² and 512 at 32²: 9.5 and 7.6 ms;
with buffers that are kept and the next channel fetched ahead, 6.6 and 7.6; with the 36 numbers'
planes apart by more than a power of two, so that they don't share cache sets, 5.5 and 4.6.
PyTorch's direct convolution takes 12 for both, and 22 to 30 with fresh memory for the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .jit import jit
from .launch import exclusive, launch, threads
from .product import COLUMNS, ROWS, set_tile
from .scratch import scratch
from .vector import INNER, LANES, load, prefetch, stay_apart, store, store_below, woven
from .winograd_blocks import block_extent
from .winograd_transforms import (
    input_row,
    keep,
    six,
    transform_filter,
    transform_input,
    transform_output,
)

F = 36  # numbers of a transformed tile
STRIP = 16  # input channels whose filters are transformed at a time
MANY_TILES = 320  # from which on threads share blocks of tiles rather than channels
FILTERS, TILES, INPUTS, OUTPUTS = range(4)  # the steps
PAD = LANES  # numbers between the transformed planes, so that they don't share cache sets

part0, part1, part2, part3 = (woven(part) for part in range(4))


def convolve(x: Any, w: Any, bias: Any, padding: tuple[int, int, int], adjoint: bool) -> Any:
    """Convolve with stride 1: x (N, C, D, H, W), w (O, C, K, 3, 3).

    If `adjoint`, x has the O channels of w's first axis, and filters are flipped and their first
    two axes swapped: with padding K − 1 − p, the gradient of a convolution with padding p.
    """
    n, c = x.shape[:2]
    outputs, taps = w.shape[1] if adjoint else len(w), w.shape[2]
    out = tuple(x.shape[2 + a] + 2 * padding[a] - w.shape[2 + a] + 1 for a in range(3))
    y = np.empty((n, outputs, *out), x.dtype)
    tiles = -(-out[1] // 4), -(-out[2] // 4)
    runs, run = (1, n * out[0]) if taps == 1 else (n, out[0])  # of planes that lie together
    planes, rows = _block(run, tiles, taps)
    many = runs * run * tiles[0] * tiles[1] >= MANY_TILES
    if not many:
        planes, rows = run, tiles[0]
    shape = np.array([taps, *padding, *tiles, planes, rows, run])
    blocks = runs * -(-run // planes) * -(-tiles[0] // rows)
    columns = planes * rows * tiles[1]
    halo = (planes + taps - 1) * rows * tiles[1]
    parts = -(-outputs // ROWS)
    at_once = parts if many else 1  # of the outputs' parts
    with exclusive():
        size = at_once * c * taps * ROWS + PAD
        filters = scratch("filters", (1 if many else threads(), F, size), x.dtype)
        size = F * (c * halo + PAD) + COLUMNS
        v = scratch("inputs", (threads() if many else 1, size), x.dtype)
        size = F * (at_once * ROWS * columns + PAD) + COLUMNS
        m = scratch("products", (threads(), size), x.dtype)
        arrays = x, w, adjoint, bias, shape, filters, v, m, y
        if many:
            launch(_run_tasks, FILTERS, parts, 0, *arrays)
            launch(_run_tasks, TILES, blocks, 0, *arrays)
        else:
            for block in range(blocks):
                launch(_run_tasks, INPUTS, c, block, *arrays)
                launch(_run_tasks, OUTPUTS, parts, block, *arrays)
    return y


def _block(run: int, tiles: tuple[int, int], taps: int) -> tuple[int, int]:
    """Choose the planes and rows of tiles of a block: about 64 tiles, or 128 with a third axis."""
    wanted = 64 if taps == 1 else 128
    rows = min(tiles[0], max(1, (wanted if taps == 1 else 16) // tiles[1]))
    return min(run, max(1, wanted // (rows * tiles[1]))), rows


@jit(parallel=True)
def _run_tasks(
    step: int, tasks: int, block: int, x: Any, w: Any, adjoint: bool, bias: Any, shape: Any,
    filters: Any, v: Any, m: Any, y: Any,
) -> None:  # fmt: skip
    """All tasks of a step; one function, which is compiled once.

    FILTERS  all filters of some outputs
    TILES    one block of tiles, through all three steps, by one thread
    INPUTS   all tiles of one channel
    OUTPUTS  all tiles of some outputs: their filters, which never leave the cache, and the product
    """
    c, outputs = x.shape[1], y.shape[1]
    inputs = c * shape[0]
    for worker in prange(len(m)):
        for task in range(np.int64(worker), tasks, len(m)):
            by_tiles = step == TILES
            first = np.int64(0) if by_tiles else task * ROWS
            last = outputs if by_tiles else min(first + ROWS, outputs)
            f, values = filters[worker % len(filters)], v[worker % len(v)]
            if step in (FILTERS, OUTPUTS):
                at = first * inputs if step == FILTERS else np.int64(0)
                _transform_filters(w, adjoint, task, outputs, f, at)
            if by_tiles or step == INPUTS:
                channel, end = (np.int64(0), c) if by_tiles else (task, task + 1)
                this = task if by_tiles else block
                _transform_input(x, shape, this, channel, end, y.shape[2], values)
            if by_tiles or step == OUTPUTS:
                this = task if by_tiles else block
                rows = (last - first + ROWS - 1) // ROWS * ROWS
                _multiply(f, shape, this, inputs, rows, values, m[worker])
                _transform_output(m[worker], shape, this, first, last, bias, y)


@jit(**INNER)
def _transform_filters(
    w: Any, adjoint: bool, block: int, outputs: int, filters: Any, at: int
) -> None:
    """filters[f][t, m] = G g Gᵀ of the block's output m from input t = (channel, tap)."""
    stay_apart()
    _, c, taps = w.shape[:3]
    flat, step = w.reshape(-1), filters.shape[1]
    size = taps * 9
    output_step, input_step = (size, c * size) if adjoint else (c * size, size)
    inputs = len(w) if adjoint else c
    first = block * ROWS
    line = taps * STRIP * ROWS
    g = np.zeros((9, line), w.dtype)
    half = np.empty(18 * LANES, w.dtype)  # G g
    for begin in range(0, inputs, STRIP):
        strip = min(STRIP, inputs - begin)
        for m in range(min(ROWS, outputs - first)):
            for i in range(strip):
                source = (first + m) * output_step + (begin + i) * input_step
                prefetch(flat, source + STRIP * input_step)
                if adjoint:
                    for tap in range(taps):
                        for k in range(9):
                            g[k, (i * taps + tap) * ROWS + m] = flat[
                                source + size - 1 - tap * 9 - k
                            ]
                else:
                    for tap in range(taps):
                        for k in range(9):
                            g[k, (i * taps + tap) * ROWS + m] = flat[source + tap * 9 + k]
        count = strip * taps * ROWS
        to = at + begin * taps * ROWS
        for i in range(0, count, LANES):
            for k in range(3):
                left = 3 * k * line + i
                middle, right = load(g, left + line), load(g, left + 2 * line)
                row = transform_filter(load(g, left), middle, right)
                keep(half, 6 * k * LANES, LANES, row, LANES)
            for j in range(6):
                above, middle = load(half, j * LANES), load(half, (6 + j) * LANES)
                column = transform_filter(above, middle, load(half, (12 + j) * LANES))
                keep(filters, to + i + j * step, 6 * step, column, count - i)


@jit(**INNER)
def _transform_input(
    x: Any, shape: Any, block: int, c0: int, c1: int, out_depth: int, v: Any
) -> None:
    """v[f, channel, plane, tile] = Bᵀ d B, for the planes that the block's outputs read."""
    stay_apart()
    first, last, r0, r1 = block_extent(shape, block)
    taps, pad0, pad1, pad2, across = shape[0], shape[1], shape[2], shape[3], shape[5]
    _, c, depth, height, width = x.shape
    tiles = (r1 - r0) * across
    planes = last - first + taps - 1
    step = c * planes * tiles + PAD
    half = np.empty(F * LANES, x.dtype)  # d B
    for channel in range(c0, c1):
        for plane in range(planes):
            n = first // out_depth if taps > 1 else (first + plane) // out_depth
            d = (first + plane) % out_depth if taps == 1 else first % out_depth + plane - pad0
            base = ((n * c + channel) * depth + d) * height * width
            inside = 0 <= d < depth
            for r in range(r0, r1):
                top = 4 * r - pad1
                to = (channel * planes + plane) * tiles + (r - r0) * across
                for j in range(0, across, LANES):
                    left = 4 * j - pad2
                    ahead = base + depth * height * width + top * width + left
                    for i in range(6):
                        for line in range(0, 4 * LANES, 16):
                            prefetch(x, ahead + i * width + line)
                        row = input_row(x, base, top + i, left, height, width, inside)
                        keep(half, 6 * i * LANES, LANES, row, LANES)
                    for i in range(6):
                        column = transform_input(*six(half, i * LANES, 6 * LANES))
                        keep(v, i * step + to + j, 6 * step, column, across - j)


@jit(**INNER)
def _multiply(
    filters: Any, shape: Any, block: int, inputs: int, outputs: int, v: Any, m: Any
) -> None:
    """m[f, o, column] = Σ filters[f, o, t] · v[f, t, column]: (O, C·K) · (C·K, columns)."""
    stay_apart()
    first, last, r0, r1 = block_extent(shape, block)
    taps = shape[0]
    offsets = np.empty(inputs, np.int64)
    tiles = (r1 - r0) * shape[5]
    planes = last - first + taps - 1
    columns = (last - first) * tiles
    for t in range(inputs):
        offsets[t] = (t // taps * planes + t % taps) * tiles
    for f in range(F):
        v_at = f * (inputs // taps * planes * tiles + PAD)
        m_at = f * (outputs * columns + PAD)
        for j in range(0, columns, COLUMNS):
            for o in range(0, outputs, ROWS):
                w_at = f * filters.shape[1] + o * inputs
                to = m_at + o * columns + j
                set_tile(filters, w_at, ROWS, v, v_at + j, offsets, 0, inputs, m, to, columns,
                         columns - j)  # fmt: skip


@jit(**INNER)
def _transform_output(m: Any, shape: Any, block: int, o0: int, o1: int, bias: Any, y: Any) -> None:
    """Write Aᵀ m A + bias to the outputs o0…o1, which m holds one after the other."""
    stay_apart()
    first, last, r0, r1 = block_extent(shape, block)
    across = shape[5]
    _, o, depth, height, width = y.shape
    tiles = (r1 - r0) * across
    columns = (last - first) * tiles
    step = (o1 - o0 + ROWS - 1) // ROWS * ROWS * columns + PAD
    half = np.empty(24 * LANES, y.dtype)  # m A
    done = np.empty(16 * LANES, y.dtype)
    for channel in range(o0, o1):
        for plane in range(first, last):
            base = ((plane // depth * o + channel) * depth + plane % depth) * height * width
            for r in range(r0, r1):
                start = (channel - o0) * columns + (plane - first) * tiles + (r - r0) * across
                for j in range(0, across, LANES):
                    for i in range(6):
                        row = transform_output(*six(m, start + j + 6 * i * step, step))
                        store(half, 4 * i * LANES, row[0])
                        store(half, (4 * i + 1) * LANES, row[1])
                        store(half, (4 * i + 2) * LANES, row[2])
                        store(half, (4 * i + 3) * LANES, row[3])
                    for i in range(4):  # columns of outputs, each with its rows 0…3
                        column = transform_output(*six(half, i * LANES, 4 * LANES))
                        store(done, i * LANES, column[0])
                        store(done, (4 + i) * LANES, column[1])
                        store(done, (8 + i) * LANES, column[2])
                        store(done, (12 + i) * LANES, column[3])
                    for i in range(min(4, height - 4 * r)):
                        to = base + (4 * r + i) * width + 4 * j
                        a, b = load(done, 4 * i * LANES), load(done, (4 * i + 1) * LANES)
                        c, d = load(done, (4 * i + 2) * LANES), load(done, (4 * i + 3) * LANES)
                        left, shift = width - 4 * j, bias[channel]
                        store_below(y, to, part0(a, b, c, d) + shift, left)
                        store_below(y, to + LANES, part1(a, b, c, d) + shift, left - LANES)
                        store_below(y, to + 2 * LANES, part2(a, b, c, d) + shift, left - 2 * LANES)
                        store_below(y, to + 3 * LANES, part3(a, b, c, d) + shift, left - 3 * LANES)
