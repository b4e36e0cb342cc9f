"""The steps of Winograd's convolution of one block of tiles: transforms and products.

`shape` is as `winograd_blocks` says, and last the parts of a filter's side. A filter of 5×5 is the
sum of 2 × 2 filters of 3×3, moved by three pixels and filled up with zeros; each is a channel of
its own here, and reads its channel of x moved as far.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import jit
from .product import COLUMNS, ROWS, set_tile
from .shuffles import woven
from .vector import INNER, LANES, load, prefetch, stay_apart, store, store_below
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
FILTERS, TILES, INPUTS, OUTPUTS = range(4)  # the steps
PAD = LANES  # numbers between the transformed planes, so that they don't share cache sets

part0, part1, part2, part3 = (woven(part) for part in range(4))


@jit(**INNER)
def run_tasks_of(
    worker: int, workers: int, step: int, tasks: int, block: int, x: Any, w: Any, adjoint: bool,
    split: Any, bias: Any, shape: Any, filters: Any, v: Any, m: Any, y: Any,
) -> None:  # fmt: skip
    """Every so many tasks of a step: those of one worker.

    FILTERS  all filters of some outputs
    TILES    one block of tiles, through all three steps, by one thread
    INPUTS   all tiles of one channel
    OUTPUTS  all tiles of some outputs: their filters, which never leave the cache, and the product
    """
    c, outputs = x.shape[1] * shape[9] * shape[9], y.shape[1]
    inputs = c * shape[0]
    f, values, products = filters[worker % len(filters)], v[worker % len(v)], m[worker]
    for task in range(worker, tasks, workers):
        by_tiles = step == TILES
        first = np.int64(0) if by_tiles else task * ROWS
        last = outputs if by_tiles else min(first + ROWS, outputs)
        if step in (FILTERS, OUTPUTS):
            at = first * inputs if step == FILTERS else np.int64(0)
            _transform_filters(w, adjoint, split, shape[9], task, outputs, f, at)
        if by_tiles or step == INPUTS:
            channel, end = (np.int64(0), c) if by_tiles else (task, task + 1)
            this = task if by_tiles else block
            _transform_input(x, shape, this, channel, end, y.shape[2], values)
        if by_tiles or step == OUTPUTS:
            this = task if by_tiles else block
            rows = (last - first + ROWS - 1) // ROWS * ROWS
            _multiply(f, shape, this, inputs, rows, values, products)
            _transform_output(products, shape, this, first, last, bias, y)


@jit(**INNER)
def _transform_filters(
    w: Any, adjoint: bool, split: Any, parts: int, block: int, outputs: int, filters: Any, at: int
) -> None:
    """filters[f][t, m] = G g Gᵀ of the block's output m from input t = (channel, tap).

    `split` is None where filters are not cut into parts: Numba then leaves that branch out, which
    is a tenth of the time that all of this takes to compile.
    """
    stay_apart()
    _, c, taps, side, _ = w.shape
    flat, step = w.reshape(-1), filters.shape[1]
    size = taps * side * side
    output_step, input_step = (size, c * size) if adjoint else (c * size, size)
    pieces = parts * parts
    inputs = (len(w) if adjoint else c) * pieces
    first = block * ROWS
    line = taps * STRIP * ROWS
    g = np.empty((9, line), w.dtype)
    for k in range(9):
        for i in range(line):
            g[k, i] = 0
    half = np.empty(18 * LANES, w.dtype)  # G g
    for begin in range(0, inputs, STRIP):
        strip = min(STRIP, inputs - begin)
        rows = min(ROWS, outputs - first)
        if split is None:
            at_filter = first * output_step + begin * input_step
            _take_all(flat, at_filter, output_step, input_step, adjoint, taps, rows, strip, g)
        else:
            for m in range(rows):
                for i in range(strip):
                    channel, piece = (begin + i) // pieces, (begin + i) % pieces
                    source = (first + m) * output_step + channel * input_step
                    corner = piece // parts * 3, piece % parts * 3
                    to_i = i * taps * ROWS + m
                    _take_piece(flat, source, adjoint, taps, side, corner, g, to_i)
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
def _take_all(
    flat: Any, begin: int, output_step: int, input_step: int, flipped: bool, taps: int, rows: int,
    strip: int, g: Any,
) -> None:  # fmt: skip
    """g[k, (i, tap, m)] = number k of the 3×3 filter of output m and input i."""
    size = taps * 9
    for m in range(rows):
        for i in range(strip):
            source = begin + m * output_step + i * input_step
            prefetch(flat, source + STRIP * input_step)
            if flipped:
                for tap in range(taps):
                    for k in range(9):
                        g[k, (i * taps + tap) * ROWS + m] = flat[source + size - 1 - tap * 9 - k]
            else:
                for tap in range(taps):
                    for k in range(9):
                        g[k, (i * taps + tap) * ROWS + m] = flat[source + tap * 9 + k]


@jit(**INNER)
def _take_piece(
    flat: Any, source: int, flipped: bool, taps: int, side: int, corner: Any, g: Any, to: int
) -> None:
    """Take 3×3 numbers from `corner` on of the filter at `source`; zeros beyond its sides."""
    size = side * side
    last = source + taps * size - 1
    for row in range(3):
        for column in range(3):
            down, across = corner[0] + row, corner[1] + column
            inside = down < side and across < side
            for tap in range(taps):
                at = tap * size + down * side + across
                value = (
                    flat[last - at if flipped else source + at] if inside else flat.dtype.type(0)
                )
                g[3 * row + column, to + tap * ROWS] = value


@jit(**INNER)
def _transform_input(
    x: Any, shape: Any, block: int, c0: int, c1: int, out_depth: int, v: Any
) -> None:
    """v[f, channel, plane, tile] = Bᵀ d B, for the planes that the block's outputs read."""
    stay_apart()
    first, last, r0, r1 = block_extent(shape, block)
    taps, pad0, pad1, pad2, across = shape[0], shape[1], shape[2], shape[3], shape[5]
    parts = shape[9]
    _, c, depth, height, width = x.shape
    tiles = (r1 - r0) * across
    planes = last - first + taps - 1
    step = c * parts * parts * planes * tiles + PAD
    half = np.empty(F * LANES, x.dtype)  # d B
    for channel in range(c0, c1):
        source = channel // (parts * parts)  # a part of the filter has a channel of its own
        down, right = channel // parts % parts * 3, channel % parts * 3  # and reads x so far on
        for plane in range(planes):
            n = first // out_depth if taps > 1 else (first + plane) // out_depth
            d = (first + plane) % out_depth if taps == 1 else first % out_depth + plane - pad0
            base = ((n * c + source) * depth + d) * height * width
            inside = 0 <= d < depth
            for r in range(r0, r1):
                top = 4 * r - pad1 + down
                to = (channel * planes + plane) * tiles + (r - r0) * across
                for j in range(0, across, LANES):
                    left = 4 * j - pad2 + right
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
