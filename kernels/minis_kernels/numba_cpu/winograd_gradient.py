"""Winograd's algorithm for the gradient by 3×3 filters, F(3×3, 4×4).

The gradient of a filter is a convolution too, of the input with dy as the filter. Cut in the same
tiles as the forward pass, with 4×4 numbers of dy and 6×6 of x each:

    dw = Aᵀ [ Σ_tiles (G dy Gᵀ) ⊙ (Bᵀ x B) ] A

So the sum over tiles comes between the transforms: 36 products (O, tiles) · (tiles, C), again with
a quarter of the multiplications (Lavin & Gray 2016, section 4). Tiles are what is summed over, so
transformed tiles are turned: channels lie side by side. Each thread takes a few outputs; their
sums, 36 for each filter, never leave its cache. A filter of 5×5 is done in four parts of 3×3, which
read x moved by three pixels.

Two Zen 5 cores, direct sums against this: 64 channels at 256² 17 ms and 8, 512 at 32² 15 and 5.
Blocks of tiles depend on the shapes alone, and are added in their order: so does the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .jit import jit
from .launch import exclusive, threads
from .product import COLUMNS, ROWS, set_tile
from .scratch import scratch
from .shuffles import transpose_tile
from .vector import INNER, LANES, load, load_within, prefetch, store
from .winograd_blocks import block_extent
from .winograd_transforms import (
    input_row,
    keep,
    phase0,
    phase1,
    phase2,
    phase3,
    six,
    transform_four,
    transform_input,
    transform_three,
)
from .workers import on_all_threads

F = 36  # numbers of a transformed tile
PAD = LANES  # numbers between those of different f, so that they don't share cache sets
BLOCK = 1 << 22  # numbers of a block's transformed tiles
MOST_TILES = 256  # of a block


def weight_gradient(dy: Any, x: Any, padding: tuple[int, int, int], dw: Any) -> None:
    """Write dw of a convolution of stride 1: dy (N, O, *out), x (N, C, *size), dw (O, C, K, S, S).

    S is 3 or 5.
    """
    depth, *across = padding
    for row in range(0, dw.shape[3], 3):
        for column in range(0, dw.shape[4], 3):
            moved = (depth, across[0] - row, across[1] - column)
            _nine_taps(dy, x, moved, (row, column), dw)


def _nine_taps(
    dy: Any, x: Any, padding: tuple[int, int, int], corner: tuple[int, int], dw: Any
) -> None:
    """Write the taps of dw (…, S, S) from row and column `corner` on, at most 3×3 of them."""
    n, o, depth, height, width = dy.shape
    c, taps = x.shape[1], dw.shape[2]
    tiles = -(-height // 4), -(-width // 4)
    runs, run = (1, n * depth) if taps == 1 else (n, depth)  # of planes that lie together
    wanted = max(1, min(MOST_TILES, BLOCK // (F * (c + o))) // tiles[1])
    rows = min(tiles[0], wanted)
    planes = min(run, max(1, wanted // rows))
    tile_rows = planes * rows * tiles[1]
    input_rows = (planes + taps - 1) * rows * tiles[1]
    x_blocks, y_blocks = -(-c // COLUMNS), -(-o // LANES)
    shape = np.array([taps, *padding, *tiles, planes, rows, run, *corner])
    with exclusive():
        v = scratch("inputs", (F, x_blocks * input_rows * COLUMNS + PAD), x.dtype)
        u = scratch("filters", (F, y_blocks * tile_rows * LANES + PAD), x.dtype)
        sums = scratch("products", (threads(), F, LANES * COLUMNS), x.dtype)
        offsets = np.arange(tile_rows) * COLUMNS
        for block in range(runs * -(-run // planes) * -(-tiles[0] // rows)):
            on_all_threads(_transform, block, x, dy, shape, v, u)
            on_all_threads(_multiply, block, shape, v, u, offsets, sums, dw)


@jit(**INNER)
def _transform(
    worker: int, workers: int, block: int, x: Any, dy: Any, shape: Any, v: Any, u: Any
) -> None:
    """Transform the block's tiles of x into v and of dy into u, channels side by side."""
    first, last, r0, r1 = block_extent(shape, block)
    rows, across = r1 - r0, shape[5]
    planes = last - first
    x_planes = planes + shape[0] - 1
    x_groups = (x.shape[1] + COLUMNS - 1) // COLUMNS * (COLUMNS // LANES)
    y_groups = (dy.shape[1] + LANES - 1) // LANES
    x_tasks = x_groups * x_planes * rows
    tile = np.empty(F * LANES, x.dtype)
    turned = np.empty(LANES * LANES, x.dtype)
    group_tiles = np.empty(F * LANES * LANES, x.dtype)
    for task in range(worker, x_tasks + y_groups * planes * rows, workers):
        if task < x_tasks:
            group, plane, r = task // rows // x_planes, task // rows % x_planes, task % rows
            to = (
                group * LANES // COLUMNS * x_planes * rows + plane * rows + r
            ) * across * COLUMNS + group * LANES % COLUMNS
            for j in range(0, across, LANES):
                for channel in range(LANES):
                    _transform_x(x, shape, first, plane, group * LANES + channel, r0 + r, j, tile,
                                 group_tiles, channel * LANES)  # fmt: skip
                count = np.int64(min(LANES, across - j))
                _turn(group_tiles, v, to + j * COLUMNS, np.int64(COLUMNS), count, turned)
        else:
            rest = task - x_tasks
            group, plane, r = rest // rows // planes, rest // rows % planes, rest % rows
            to = (group * planes * rows + plane * rows + r) * across * LANES
            for j in range(0, across, LANES):
                for channel in range(LANES):
                    _transform_dy(dy, first + plane, group * LANES + channel, r0 + r, j, tile,
                                  group_tiles, channel * LANES)  # fmt: skip
                count = np.int64(min(LANES, across - j))
                _turn(group_tiles, u, to + j * LANES, np.int64(LANES), count, turned)


@jit(**INNER)
def _transform_x(
    x: Any, shape: Any, first: int, plane: int, channel: int, r: int, j: int, half: Any,
    tiles: Any, to: int,
) -> None:  # fmt: skip
    """tiles[f, to + lane] = Bᵀ x B of LANES tiles of one channel; zeros beyond the last channel."""
    taps, run = shape[0], shape[8]
    _, c, depth, height, width = x.shape
    n = first // run if taps > 1 else (first + plane) // depth
    d = first % run + plane - shape[1] if taps > 1 else (first + plane) % depth
    base = ((n * c + channel) * depth + d) * height * width
    top, left = 4 * r - shape[2], 4 * j - shape[3]
    ahead = base + depth * height * width + top * width + left
    for i in range(6):
        for line in range(0, 4 * LANES, 16):
            prefetch(x, ahead + i * width + line)
        inside = 0 <= d < depth and channel < c
        row = input_row(x, base, top + i, left, height, width, inside)
        keep(half, 6 * i * LANES, LANES, row, LANES)
    for i in range(6):
        column = transform_input(*six(half, i * LANES, 6 * LANES))
        keep(tiles, i * LANES * LANES + to, 6 * LANES * LANES, column, LANES)


@jit(**INNER)
def _transform_dy(
    dy: Any, plane: int, channel: int, r: int, j: int, half: Any, tiles: Any, to: int
) -> None:
    """tiles[f, to + lane] = G dy Gᵀ of LANES tiles of one channel."""
    _, o, depth, height, width = dy.shape
    base = ((plane // depth * o + channel) * depth + plane % depth) * height * width
    left = 4 * j
    for i in range(4):
        row = 4 * r + i
        high = width - left if row < height and channel < o else 0
        at = base + row * width + left
        for line in range(0, 4 * LANES, 16):
            prefetch(dy, at + depth * height * width + line)
        low = np.int64(0)
        a = load_within(dy, at, low, high)
        b = load_within(dy, at + LANES, low, high - LANES)
        c = load_within(dy, at + 2 * LANES, low, high - 2 * LANES)
        d = load_within(dy, at + 3 * LANES, low, high - 3 * LANES)
        four = transform_four(
            phase0(a, b, c, d), phase1(a, b, c, d), phase2(a, b, c, d), phase3(a, b, c, d)
        )
        keep(half, 6 * i * LANES, LANES, four, LANES)
    for i in range(6):
        at = i * LANES
        column = transform_four(
            load(half, at),
            load(half, at + 6 * LANES),
            load(half, at + 12 * LANES),
            load(half, at + 18 * LANES),
        )
        keep(tiles, i * LANES * LANES + to, 6 * LANES * LANES, column, LANES)


@jit(**INNER)
def _turn(tiles: Any, turned: Any, to: int, step: int, count: int, spare: Any) -> None:
    """turned[f, to + tile · step + channel] = tiles[f, channel, tile], for `count` tiles."""
    for f in range(F):
        at, line = f * LANES * LANES, f * turned.shape[1] + to
        if count == LANES:
            transpose_tile(tiles, at, LANES, turned, line, step)
        else:
            transpose_tile(tiles, at, LANES, spare, 0, LANES)
            for tile in range(count):
                store(turned, line + tile * step, load(spare, tile * LANES))


@jit(**INNER)
def _multiply(
    worker: int, workers: int, block: int, shape: Any, v: Any, u: Any, offsets: Any, sums: Any,
    dw: Any,
) -> None:  # fmt: skip
    """Add Aᵀ [ Σ_tiles u ⊙ v ] A to dw; set it, for the first block."""
    first, last, r0, r1 = block_extent(shape, block)
    tiles = (r1 - r0) * shape[5]
    count = (last - first) * tiles
    o, c, taps = dw.shape[:3]
    v_rows = (last - first + taps - 1) * tiles
    columns = (c + COLUMNS - 1) // COLUMNS
    tasks = (o + LANES - 1) // LANES * columns * taps
    m = sums[worker]
    three = np.empty(18 * LANES, dw.dtype)
    for task in range(worker, tasks, workers):
        group, column, tap = task // taps // columns, task // taps % columns, task % taps
        for f in range(F):
            u_at = f * u.shape[1] + group * count * LANES
            v_at = f * v.shape[1] + (column * v_rows + tap * tiles) * COLUMNS
            for row in range(0, LANES, ROWS):
                to = f * m.shape[1] + row * COLUMNS
                set_tile(u, u_at + row, LANES, v, v_at, offsets, 0, count, m, to, COLUMNS,
                         COLUMNS)  # fmt: skip
        for row in range(min(LANES, o - group * LANES)):
            for j in range(0, min(COLUMNS, c - column * COLUMNS), LANES):
                _add_filters(m, row * COLUMNS + j, three, block == 0, shape[9], shape[10],
                             dw[group * LANES + row, column * COLUMNS + j :, tap])  # fmt: skip


@jit(**INNER)
def _add_filters(m: Any, at: int, three: Any, fresh: bool, row: int, column: int, dw: Any) -> None:
    """Add, or if `fresh` write, LANES filters Aᵀ m A to dw (channels, S, S) at row and column."""
    step = m.shape[1]
    for i in range(6):
        across = transform_three(*six(m, at + 6 * i * step, step))
        store(three, 3 * i * LANES, across[0])
        store(three, (3 * i + 1) * LANES, across[1])
        store(three, (3 * i + 2) * LANES, across[2])
    for i in range(3):
        down = transform_three(*six(three, i * LANES, 3 * LANES))
        # the column's place in `three` is free now
        store(three, i * LANES, down[0])
        store(three, (3 + i) * LANES, down[1])
        store(three, (6 + i) * LANES, down[2])
    if dw.shape[1] == 3:
        for lane in range(min(LANES, len(dw))):
            for k in range(9):
                value = three[k * LANES + lane]
                if fresh:
                    dw[lane, k // 3, k % 3] = value
                else:
                    dw[lane, k // 3, k % 3] += value
        return
    height, width = min(3, dw.shape[1] - row), min(3, dw.shape[2] - column)
    for lane in range(min(LANES, len(dw))):
        for i in range(height):
            for j in range(width):
                value = three[(3 * i + j) * LANES + lane]
                if fresh:
                    dw[lane, row + i, column + j] = value
                else:
                    dw[lane, row + i, column + j] += value
