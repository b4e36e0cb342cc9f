"""RoIAlign: all channels of a sample at once.

The NumPy text multiplies the cells that a box covers with two small matrices, channel by channel,
and most of their entries are zero. Here only the cells that a bin reads are read. Maps are
reordered first, so that the channels of a cell lie side by side: 64 of them (with AVX-512) are
summed in the registers over all cells of a bin, with the same weights.

    forward  boxes × blocks of channels; a box's bins are put back into the order of the result in
             the L1 cache, and then written in one go
    dx       maps × blocks of channels: every thread adds box after box to planes of its own. Where
             threads outnumber these, each owns a band of rows. No two write to the same place, and
             whoever does it adds the boxes in the same order: the results are the same bits.

Measured on two Zen 5 cores, 512 boxes of 7×7 bins, 4 samples in each, on 256 channels at 64²:

    ====================================================  =======  =======
    .                                                     forward  dx
    ====================================================  =======  =======
    the NumPy text                                        85 ms    102 ms
    only the cells that are read, channel by channel      37 ms    89 ms
    channels side by side in registers                    5.8 ms
    and bins put into order in the cache                  3.5 ms   7 ms
    ====================================================  =======  =======

Reordering the maps takes 0.1 ms of it. It doesn't pay for few channels, nor for few boxes on large
maps: these are served channel by channel.

In the NumPy text a number that is not finite spreads to all bins of a box that covers it. Whoever
reads the arrays here looks for such numbers, and leaves them to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..region_arguments import bins_of, input_shape_of
from .jit import jit
from .launch import launch, threads
from .region_grid import HIGH, LEFT, TOP, WIDE, Grid, N, grid_of, lists, sample
from .regions import (
    BLOCK,
    channels_last,
    copy,
    few_channels,
    put_channels_first,
    regions,
    take_channels_last,
)
from .roi_align_planes import backward_planes, forward_planes
from .vector import LANES, load, store


def roi_align(
    x: Any,
    boxes: Any,
    output_size: Any,
    *,
    spatial_scale: Any = 1.0,
    sampling_ratio: Any = -1,
    aligned: Any = False,
) -> Any:
    """Average samples in bins: `minis.ops.roi_align`, where x is finite."""
    bins = bins_of(output_size)
    if bins is None or not isinstance(x, np.ndarray) or x.ndim != 4:
        return NotImplemented
    checked = regions(x, boxes, len(x), spatial_scale)
    grid = checked and grid_of(*checked, bins, x.shape[2:], sampling_ratio, aligned)
    if grid is None:
        return NotImplemented
    y = np.empty((len(boxes), x.shape[1], *bins), x.dtype)
    if _few(grid, bins, x.shape):
        finite = np.ones(len(boxes), np.bool_)
        launch(forward_planes, np.ascontiguousarray(x), *grid, finite, y)
        return y if finite.all() else NotImplemented
    maps, all_finite = channels_last(x)
    if not all_finite:
        return NotImplemented
    launch(_forward, maps, *grid, threads(), y)
    return y


def roi_align_backward(
    dy: Any,
    boxes: Any,
    input_shape: Any,
    *,
    spatial_scale: Any = 1.0,
    sampling_ratio: Any = -1,
    aligned: Any = False,
) -> Any:
    """Spread each bin over its cells: `minis.ops.roi_align_backward`, where dy is finite."""
    shape = input_shape_of(input_shape)
    if shape is None or not isinstance(dy, np.ndarray) or dy.ndim != 4:
        return NotImplemented
    checked = regions(dy, boxes, shape[0], spatial_scale)
    bins = dy.shape[2:]
    if checked is None or dy.shape[:2] != (len(boxes), shape[1]):
        return NotImplemented
    grid = grid_of(*checked, bins, shape[2:], sampling_ratio, aligned)
    if grid is None:
        return NotImplemented
    dy = np.ascontiguousarray(dy)
    if _few(grid, bins, shape):
        dx = np.zeros(shape, dy.dtype)
        finite = np.ones(shape[:2], np.bool_)
        launch(backward_planes, dy, *grid, finite, dx)
    else:
        dx = np.empty(shape, dy.dtype)
        blocks = -(-shape[1] // BLOCK)
        bands = min(shape[2], -(-threads() // (shape[0] * blocks)))
        finite = np.ones((shape[0], blocks, bands), np.bool_)
        launch(_backward, dy, *grid, finite, dx)
    return dx if finite.all() else NotImplemented


def _few(grid: Grid, bins: tuple[int, int], shape: tuple[int, ...]) -> bool:
    """Whether reordering the maps would cost more than it saves."""
    n, c, height, width = shape
    return few_channels(c) or grid.cells_read(bins) < n * height * width


@jit(parallel=True)
def _forward(
    maps: Any, boxes: Any, ratio: int, height: int, width: int, most: Any, workers: int, y: Any
) -> None:
    for worker in prange(workers):
        _forward_share(maps, boxes, ratio, height, width, most, np.int64(worker), workers, y)


@jit()
def _forward_share(
    maps: Any,
    boxes: Any,
    ratio: int,
    height: int,
    width: int,
    most: Any,
    worker: int,
    workers: int,
    y: Any,
) -> None:
    count, c, ph, pw = y.shape
    row, row_weight, row_used = lists(ph, most[0], y)
    column, column_weight, column_used = lists(pw, most[1], y)
    block = np.empty((ph * pw + LANES) * BLOCK, y.dtype)
    turned = np.empty(ph * pw * BLOCK, y.dtype)
    tile = np.zeros(LANES * LANES, y.dtype)
    zero = load(tile, 0)
    flat = y.reshape(-1)
    for task in range(worker, count * maps.shape[1], workers):
        b, r = task // count, task % count
        box = boxes[r]
        sample(box[TOP], box[HIGH], ratio, height, row, row_weight, row_used)
        sample(box[LEFT], box[WIDE], ratio, width, column, column_weight, column_used)
        cells = maps[int(box[N]), b].reshape(-1)
        for i in range(ph):
            for j in range(pw):
                s0 = s1 = s2 = s3 = zero
                for k in range(row_used[i]):
                    for m in range(column_used[j]):
                        at = (row[i, k] * width + column[j, m]) * BLOCK
                        weight = row_weight[i, k] * column_weight[j, m]
                        s0 = s0 + load(cells, at) * weight
                        s1 = s1 + load(cells, at + LANES) * weight
                        s2 = s2 + load(cells, at + 2 * LANES) * weight
                        s3 = s3 + load(cells, at + 3 * LANES) * weight
                at = (i * pw + j) * BLOCK
                store(block, at, s0)
                store(block, at + LANES, s1)
                store(block, at + 2 * LANES, s2)
                store(block, at + 3 * LANES, s3)
        channels = min(BLOCK, c - b * BLOCK)
        put_channels_first(block, ph * pw, tile, turned, 0, channels, ph * pw)
        copy(turned, flat, (r * c + b * BLOCK) * ph * pw, channels * ph * pw)


@jit(parallel=True)
def _backward(
    dy: Any, boxes: Any, ratio: int, height: int, width: int, most: Any, finite: Any, dx: Any
) -> None:
    n, blocks, bands = finite.shape
    high = (height + bands - 1) // bands
    for task in prange(n * blocks * bands):
        i, b, band = task // (blocks * bands), task // bands % blocks, task % bands
        rows = min(band * high, height), min((band + 1) * high, height)
        finite[i, b, band] = _backward_block(
            dy, boxes, ratio, height, width, most, i, b, rows[0], rows[1], dx
        )


@jit()
def _backward_block(
    dy: Any,
    boxes: Any,
    ratio: int,
    height: int,
    width: int,
    most: Any,
    n: int,
    b: int,
    first: int,
    last: int,
    dx: Any,
) -> bool:
    """Fill one block of channels of one map, in the rows first … last − 1; whether dy is finite."""
    count, c, ph, pw = dy.shape
    row, row_weight, row_used = lists(ph, most[0], dy)
    column, column_weight, column_used = lists(pw, most[1], dy)
    block = np.empty((ph * pw + LANES) * BLOCK, dy.dtype)
    tile = np.zeros(LANES * LANES, dy.dtype)
    total = np.zeros(((last - first) * width + LANES) * BLOCK, dy.dtype)
    odd = load(tile, 0)  # becomes NaN where a number is not finite: v − v is 0 otherwise
    channels = min(BLOCK, c - b * BLOCK)
    flat = dy.reshape(-1)
    for r in range(count):
        box = boxes[r]
        if box[N] != n:
            continue
        sample(box[TOP], box[HIGH], ratio, height, row, row_weight, row_used)
        sample(box[LEFT], box[WIDE], ratio, width, column, column_weight, column_used)
        take_channels_last(flat, (r * c + b * BLOCK) * ph * pw, channels, ph * pw, tile, block)
        for i in range(ph):
            for j in range(pw):
                at = (i * pw + j) * BLOCK
                v0, v1 = load(block, at), load(block, at + LANES)
                v2, v3 = load(block, at + 2 * LANES), load(block, at + 3 * LANES)
                odd = odd + ((v0 - v0) + (v1 - v1)) + ((v2 - v2) + (v3 - v3))
                for k in range(row_used[i]):
                    if first <= row[i, k] < last:
                        for m in range(column_used[j]):
                            at = ((row[i, k] - first) * width + column[j, m]) * BLOCK
                            weight = row_weight[i, k] * column_weight[j, m]
                            store(total, at, load(total, at) + v0 * weight)
                            at += LANES
                            store(total, at, load(total, at) + v1 * weight)
                            at += LANES
                            store(total, at, load(total, at) + v2 * weight)
                            at += LANES
                            store(total, at, load(total, at) + v3 * weight)
    at = (n * c + b * BLOCK) * height * width + first * width
    cells = (last - first) * width
    put_channels_first(total, cells, tile, dx.reshape(-1), at, channels, height * width)
    store(tile, 0, odd)
    finite = True
    for lane in range(LANES):
        finite &= tile[lane] == 0
    return finite
