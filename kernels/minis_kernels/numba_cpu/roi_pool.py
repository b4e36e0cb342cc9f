"""RoIPool: all channels of a cell at once.

The NumPy text takes the maximum of strips of cells, and then of their rows, through arrays for
each step. Here, as in RoIAlign, maps are reordered so that the channels of a cell lie side by side;
the maxima of 64 channels (with AVX-512) and where they stood are kept in the registers while a bin
is gone through. Places are kept as floating numbers: both go through the same instructions.

    forward  boxes × blocks of channels
    dx       maps × blocks of channels: each is owned by one thread, and summed in float64, as in
             the NumPy text. Results don't depend on the number of threads.

Measured on two Zen 5 cores, 512 boxes of 7×7 bins on 256 channels at 64², forward: the NumPy text
3.9 s; channel by channel 142 ms; channels side by side, maxima in memory 18 ms (with one thread 29
ms); in registers 12 to 17 ms (with one thread 15 ms), of which 5 to 7 go into pages for 77 MB of
results. dx: 50 to 90 ms and 8 ms.

It declines an argmax outside the map, which the NumPy text reports.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange
from numba.extending import intrinsic

from ..region_arguments import bins_of, input_shape_of
from .jit import jit
from .launch import launch, threads
from .regions import BLOCK, channels_last, copy, few_channels, put_channels_first, regions
from .vector import LANES, load, store

MOST_CELLS = 1 << 24  # of a map: their numbers are exact in float32
PLANES = 1 << 16  # numbers of dx that a thread adds to at a time: half a megabyte


def roi_pool(x: Any, boxes: Any, output_size: Any, *, spatial_scale: Any = 1.0) -> Any:
    """Take the maximum of each bin: `minis.ops.roi_pool`."""
    bins = bins_of(output_size)
    if bins is None or not isinstance(x, np.ndarray) or x.ndim != 4:
        return NotImplemented
    checked = regions(x, boxes, len(x), spatial_scale)
    if checked is None:
        return NotImplemented
    rows, scale = checked
    # map, left, top, right, bottom in whole cells, rounded half away from zero
    corners = rows[:, 1:] * scale
    corners = np.copysign(np.floor(np.abs(corners) + 0.5), corners)
    whole = np.concatenate([rows[:, :1], corners], axis=1).astype(np.int64)
    y = np.empty((len(boxes), x.shape[1], *bins), x.dtype)
    argmax = np.empty(y.shape, np.int64)
    inside = np.clip(whole[:, 1:], -1, [x.shape[3], x.shape[2]] * 2)
    read = ((inside[:, 2:] - inside[:, :2]).clip(0) + 1).prod(axis=1).sum()
    cells = x.shape[2] * x.shape[3]
    if few_channels(x.shape[1]) or read < len(x) * cells or cells > MOST_CELLS:
        launch(_forward_few, np.ascontiguousarray(x), whole, y, argmax)
    else:
        maps, _ = channels_last(x)
        launch(_forward, maps, whole, x.shape[2], x.shape[3], threads(), y, argmax)
    return y, argmax


def roi_pool_backward(dy: Any, boxes: Any, argmax: Any, input_shape: Any) -> Any:
    """Add each dy where its maximum stood: `minis.ops.roi_pool_backward`."""
    shape = input_shape_of(input_shape)
    if shape is None or not isinstance(dy, np.ndarray) or dy.ndim != 4:
        return NotImplemented
    checked = regions(dy, boxes, shape[0], 1.0)
    if checked is None or dy.shape[:2] != (len(boxes), shape[1]):
        return NotImplemented
    if not isinstance(argmax, np.ndarray) or argmax.dtype not in (np.int64, np.int32):
        return NotImplemented
    if argmax.shape != dy.shape:
        return NotImplemented
    n, c = shape[:2]
    cells = math.prod(shape[2:])
    owner = checked[0][:, 0].astype(np.int64)
    chunk = max(1, min(c, PLANES // cells))
    dx = np.empty((n, c, cells), dy.dtype)
    valid = np.ones((n, -(-c // chunk)), np.bool_)
    flat = (np.ascontiguousarray(a).reshape(len(boxes), c, -1) for a in (dy, argmax))
    launch(_backward, *flat, owner, chunk, valid, dx)
    return dx.reshape(shape) if valid.all() else NotImplemented


@jit(inline="always")
def _bin(low: int, high: int, bins: int, b: int, size: int) -> tuple[int, int]:
    """Return the cells of a bin, from the first to before the second, cut at the map's edges."""
    length = max(high - low + 1, 1)
    first, last = low + b * length // bins, low - (-(b + 1) * length // bins)
    return min(max(first, 0), size), min(max(last, 0), size)


@intrinsic
def _where_better(typing: Any, v: Any, best: Any, yes: Any, no: Any) -> Any:
    """Take a lane of `yes` where v is better, else of `no`.

    NaN is better than any number, and no better than NaN.
    """

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        v, best, yes, no = args
        better = builder.and_(
            builder.fcmp_unordered(">", v, best), builder.fcmp_ordered("ord", best, best)
        )
        return builder.select(better, yes, no)

    return v(v, best, yes, no), code


@jit(parallel=True)
def _forward(
    maps: Any, boxes: Any, height: int, width: int, workers: int, y: Any, argmax: Any
) -> None:
    for worker in prange(workers):
        _forward_share(maps, boxes, height, width, np.int64(worker), workers, y, argmax)


@jit()
def _forward_share(
    maps: Any,
    boxes: Any,
    height: int,
    width: int,
    worker: int,
    workers: int,
    y: Any,
    argmax: Any,
) -> None:
    count, c, ph, pw = y.shape
    bins = ph * pw
    values = np.empty((bins + LANES) * BLOCK, y.dtype)
    places = np.empty((bins + LANES) * BLOCK, y.dtype)
    turned = np.empty(bins * BLOCK, y.dtype)
    tile = np.zeros(LANES * LANES, y.dtype)
    zero = load(tile, 0)
    flat, flat_argmax = y.reshape(-1), argmax.reshape(-1)
    for task in range(worker, count * maps.shape[1], workers):
        b, r = task // count, task % count
        cells = maps[boxes[r, 0], b].reshape(-1)
        for i in range(ph):
            top, bottom = _bin(boxes[r, 2], boxes[r, 4], ph, i, height)
            for j in range(pw):
                left, right = _bin(boxes[r, 1], boxes[r, 3], pw, j, width)
                s0 = s1 = s2 = s3 = zero
                p0 = p1 = p2 = p3 = zero + y.dtype.type(-1)
                if top < bottom and left < right:
                    first = top * width + left
                    at = first * BLOCK
                    s0, s1 = load(cells, at), load(cells, at + LANES)
                    s2, s3 = load(cells, at + 2 * LANES), load(cells, at + 3 * LANES)
                    p0 = p1 = p2 = p3 = zero + y.dtype.type(first)
                for h in range(top, bottom):
                    for w in range(left, right):
                        at = (h * width + w) * BLOCK
                        here = zero + y.dtype.type(h * width + w)
                        v = load(cells, at)
                        p0 = _where_better(v, s0, here, p0)
                        s0 = _where_better(v, s0, v, s0)
                        v = load(cells, at + LANES)
                        p1 = _where_better(v, s1, here, p1)
                        s1 = _where_better(v, s1, v, s1)
                        v = load(cells, at + 2 * LANES)
                        p2 = _where_better(v, s2, here, p2)
                        s2 = _where_better(v, s2, v, s2)
                        v = load(cells, at + 3 * LANES)
                        p3 = _where_better(v, s3, here, p3)
                        s3 = _where_better(v, s3, v, s3)
                at = (i * pw + j) * BLOCK
                store(values, at, s0)
                store(values, at + LANES, s1)
                store(values, at + 2 * LANES, s2)
                store(values, at + 3 * LANES, s3)
                store(places, at, p0)
                store(places, at + LANES, p1)
                store(places, at + 2 * LANES, p2)
                store(places, at + 3 * LANES, p3)
        at, channels = (r * c + b * BLOCK) * bins, min(BLOCK, c - b * BLOCK)
        put_channels_first(values, bins, tile, turned, 0, channels, bins)
        copy(turned, flat, at, channels * bins)
        put_channels_first(places, bins, tile, turned, 0, channels, bins)
        found = flat_argmax[at : at + channels * bins]
        for k in range(len(found)):
            found[k] = np.int64(turned[k])


@jit(parallel=True)
def _forward_few(x: Any, boxes: Any, y: Any, argmax: Any) -> None:
    for r in prange(len(y)):
        _forward_box(x[boxes[r, 0]], boxes[r], y[r], argmax[r])


@jit()
def _forward_box(x: Any, box: Any, y: Any, argmax: Any) -> None:
    """Fill the bins of one box from a map with channels first."""
    c, ph, pw = y.shape
    height, width = x.shape[1:]
    for i in range(ph):
        top, bottom = _bin(box[2], box[4], ph, i, height)
        for j in range(pw):
            left, right = _bin(box[1], box[3], pw, j, width)
            for o in range(c):
                best, where = y.dtype.type(0), -1
                for h in range(top, bottom):
                    for w in range(left, right):
                        v = x[o, h, w]
                        if where < 0 or v > best or (v != v and best == best):
                            best, where = v, h * width + w
                y[o, i, j], argmax[o, i, j] = best, where


@jit(parallel=True)
def _backward(dy: Any, argmax: Any, owner: Any, chunk: int, valid: Any, dx: Any) -> None:
    n, pieces = valid.shape
    for task in prange(n * pieces):
        i, first = task // pieces, task % pieces * chunk
        last = min(first + chunk, dx.shape[1])
        valid[i, task % pieces] = _backward_planes(dy, argmax, owner, i, first, last, dx)


@jit()
def _backward_planes(
    dy: Any, argmax: Any, owner: Any, n: int, first: int, last: int, dx: Any
) -> bool:
    """Fill the planes first … last − 1 of one map; whether every index lies in them."""
    cells = dx.shape[2]
    total = np.zeros((last - first, cells), np.float64)
    valid = True
    for r in range(len(owner)):
        if owner[r] == n:
            for o in range(first, last):
                for k in range(dy.shape[2]):
                    at = argmax[r, o, k]
                    if 0 <= at < cells:
                        total[o - first, at] += dy[r, o, k]
                    else:
                        valid &= at == -1
    for o in range(first, last):
        for k in range(cells):
            dx[n, o, k] = total[o - first, k]
    return valid
