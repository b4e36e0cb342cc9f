"""RoIPool and its gradient: a thread takes bins.

    forward   it looks through the cells of a bin, and keeps the best value and its place in
              registers; both are written once
    dx        it adds a bin's dy where its maximum stood

Bins overlap, and so do boxes: the gradient adds by atomic additions, in any order. The last bits of
dx may differ from call to call.

Corners are rounded to whole cells by array operations, in float64 as in the NumPy text; bins are
cut in integers, which is exact. The GPU is waited for once, to learn that boxes are well formed,
and in the gradient once more, to learn whether an argmax lies outside of the map.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from ..arguments import number
from ..pool_geometry import are_sizes
from ..region_arguments import bins_of
from .arrays import contiguous, empty, namespace
from .conv_places import pixel
from .launch import THREADS, blocks_for, device, kernel
from .roi_align import FAR, are_regions, boxes_fit
from .signatures import Index1, Index2, Index4, Real4
from .unpooling import are_indices


def roi_pool(x: Any, boxes: Any, output_size: Any, *, spatial_scale: Any = 1.0) -> Any:
    """Take the maximum of each bin: `minis.ops.roi_pool`."""
    bins, scale = bins_of(output_size), number(spatial_scale, low=0.0, high=FAR)
    if bins is None or scale is None or not are_regions(x, boxes):
        return NotImplemented
    rows = boxes.astype(np.float64)
    if not bool(boxes_fit(rows, len(x), scale)):
        return NotImplemented
    xp: Any = namespace(x)
    corners = rows[:, 1:] * scale
    corners = xp.copysign(xp.floor(abs(corners) + 0.5), corners)  # half goes away from zero
    whole = contiguous(xp.concatenate([rows[:, :1], corners], axis=1).astype(np.int64))
    y = empty((len(boxes), x.shape[1], *bins), x)
    argmax = empty(y.shape, x, np.int64)
    _pool[blocks_for(y.size), THREADS](contiguous(x), whole, y, argmax)
    return y, argmax


def roi_pool_backward(dy: Any, boxes: Any, argmax: Any, input_shape: Any) -> Any:
    """Add each dy where its maximum stood: `minis.ops.roi_pool_backward`."""
    if not are_sizes(input_shape, 4) or not are_regions(dy, boxes):
        return NotImplemented
    if dy.shape[:2] != (len(boxes), input_shape[1]) or not are_indices(argmax, dy.shape):
        return NotImplemented
    if not bool(boxes_fit(boxes.astype(np.float64), input_shape[0], 1.0)):
        return NotImplemented
    xp: Any = namespace(dy)
    dx, outside = xp.zeros(input_shape, dy.dtype), xp.zeros(1, np.int64)
    maps, places = boxes[:, 0].astype(np.int64), contiguous(argmax.astype(np.int64))
    _scatter[blocks_for(dy.size), THREADS](contiguous(dy), maps, places, dx, outside)
    return NotImplemented if int(outside[0]) else dx


@device
def _cells(low: int, high: int, bins: int, b: int, size: int) -> tuple[int, int]:
    """Return the cells of a bin, from the first to before the second, cut at the map's edges."""
    length = max(high - low + 1, 1)
    first, end = low + b * length // bins, low - (-(b + 1) * length // bins)
    return min(max(first, 0), size), min(max(end, 0), size)


@kernel
def _pool(x: Real4, boxes: Index2, y: Real4, argmax: Index4) -> None:
    """Take the best of each bin, the first of equals; NaN beats all, and the first NaN stays."""
    _, _, height, width = x.shape
    _, _, rows, columns = y.shape
    zero = x.dtype.type(0)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        r, c, row, column = pixel(i, y.shape[1:])
        n = boxes[r, 0]
        top, bottom = _cells(boxes[r, 2], boxes[r, 4], rows, row, height)
        left, right = _cells(boxes[r, 1], boxes[r, 3], columns, column, width)
        best, place = zero, -1
        for h in range(top, bottom):
            for w in range(left, right):
                value = x[n, c, h, w]
                first_nan = math.isnan(value) and not math.isnan(best)
                if place < 0 or value > best or first_nan:
                    best, place = value, h * width + w
        y[r, c, row, column] = best
        argmax[r, c, row, column] = place


@kernel
def _scatter(dy: Real4, maps: Index1, argmax: Index4, dx: Real4, outside: Index1) -> None:
    """Add each number of dy at its argmax; dx comes as zeros."""
    _, _, height, width = dx.shape
    for i in range(cuda.grid(1), dy.size, cuda.gridsize(1)):
        r, c, row, column = pixel(i, dy.shape[1:])
        at = argmax[r, c, row, column]
        if 0 <= at < height * width:
            cuda.atomic.add(dx, (maps[r], c, at // width, at % width), dy[r, c, row, column])
        elif at != -1:  # −1: the bin held no cell
            outside[0] = 1  # several threads may write this: all write the same
