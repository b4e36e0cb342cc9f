"""Average pooling and its gradient, each in one pass over memory.

The NumPy text adds one tap of all windows after the other to the whole result, and divides at the
end. Here a row of results is summed and divided while it stays in cache, and written once. The
gradient goes by rows of dx: each fetches its shares from the windows that it lies in, so no two
threads write to the same row. Sums are in the text's order, and give its bits.

Windows 2 wide, 2 apart and without padding along the last axis read and write pairs of neighbours,
which the compiler turns into shuffles. Other strides are read number by number.

Measured on two Zen 5 cores, float32, windows of 2² on (8, 64, 128, 128): 1.8 ms, and 1.4 ms for the
gradient; without pairs the gradient takes 4.1 ms. Python's division looks for a zero first, which
blocks vectorisation: with it 3.5 and 2.1 ms. The NumPy text takes 12 and 17 ms.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from ..geometry import Geometry
from ..pool_geometry import are_sizes, pool_geometry
from .arrays import servable, with_three_axes
from .jit import jit
from .launch import launch
from .lines import add, fill, inner_range
from .pool_tasks import KERNEL, OUT, PADDING, SIZE, STRIDE, lines_per_task


def avg_pool(
    x: Any,
    size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Take the mean of each window: `minis.ops.avg_pool`."""
    if not servable(x) or not 3 <= x.ndim <= 5 or not isinstance(count_include_pad, bool):
        return NotImplemented
    g = pool_geometry(x.shape[2:], size, stride, padding, 1, ceil_mode)
    if g is None:
        return NotImplemented
    planes = math.prod(x.shape[:2])
    y = np.empty((planes, *g.out), x.dtype)
    lines = lines_per_task(planes * g.out[0] * g.out[1], g.out[2])
    counts = _counts(g, count_include_pad, x.dtype)
    launch(_average, with_three_axes(x).reshape(planes, *g.size), np.array(g), *counts, lines, y)
    return y.reshape(*x.shape[:2], *g.out[5 - x.ndim :])


def avg_pool_backward(
    dy: Any,
    input_shape: Any,
    size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """Gradient of average pooling: `minis.ops.avg_pool_backward`."""
    if not servable(dy) or not 3 <= dy.ndim <= 5 or not isinstance(count_include_pad, bool):
        return NotImplemented
    if not are_sizes(input_shape, dy.ndim):
        return NotImplemented
    g = pool_geometry(input_shape[2:], size, stride, padding, 1, ceil_mode)
    if g is None or dy.shape != (*input_shape[:2], *g.out[5 - dy.ndim :]):
        return NotImplemented
    planes = math.prod(dy.shape[:2])
    dx = np.empty((planes, *g.size), dy.dtype)
    lines = lines_per_task(planes * g.size[0] * g.size[1], g.size[2])
    counts = _counts(g, count_include_pad, dy.dtype)
    flat = with_three_axes(dy).reshape(planes, *g.out)
    launch(_spread, flat, np.array(g), *_windows(g), *counts, lines, dx)
    return dx.reshape(input_shape)


def _counts(g: Geometry, include_padding: bool, dtype: Any) -> list[Any]:
    """Count the cells of each window along each axis; their product is what the mean is over."""
    counts = []
    for i, k, o, s, p in zip(g.size, g.kernel, g.out, g.stride, g.padding, strict=True):
        start = np.arange(o) * s - p
        end = np.minimum(start + k, i + p)
        if not include_padding:
            start, end = np.maximum(start, 0), np.minimum(end, i)
        counts.append((end - start).astype(dtype))
    return counts


def _windows(g: Geometry) -> list[Any]:
    """Along the first two axes, the windows that each cell lies in: from [0] up to [1]."""
    ranges = []
    for i, k, o, s, p in list(zip(g.size, g.kernel, g.out, g.stride, g.padding, strict=True))[:2]:
        at = np.arange(i) + p
        ranges.append(np.stack([np.maximum((at - k) // s + 1, 0), np.minimum(at // s + 1, o)]))
    return ranges


@jit(parallel=True)
def _average(x: Any, g: Any, nd: Any, nh: Any, nw: Any, lines: int, y: Any) -> None:
    all_lines = len(x) * g[OUT, 0] * g[OUT, 1]
    for task in prange((all_lines + lines - 1) // lines):
        first = task * lines
        average_lines(x, g, nd, nh, nw, first, min(first + lines, all_lines), y)


@jit(error_model="numpy")
def average_lines(x: Any, g: Any, nd: Any, nh: Any, nw: Any, first: int, last: int, y: Any) -> None:
    """Average the windows of lines first … last: rows of outputs along the last axis."""
    depth, height, width = g[SIZE]
    kd, kh, kw = g[KERNEL]
    out_d, out_h, out_w = g[OUT]
    sd, sh, sw = g[STRIDE]
    pd, ph, pw = g[PADDING]
    pairs = kw == 2 and sw == 2 and pw == 0 and 2 * out_w <= width
    n, od, oh = first // (out_d * out_h), first // out_h % out_d, first % out_h
    for _ in range(first, last):
        d0, d1 = max(0, od * sd - pd), min(depth, od * sd - pd + kd)
        h0, h1 = max(0, oh * sh - ph), min(height, oh * sh - ph + kh)
        mean, count = y[n, od, oh], nd[od] * nh[oh]
        fill(mean, 0)
        for d in range(d0, d1):
            for h in range(h0, h1):
                row = x[n, d, h]
                if pairs:
                    add_pairs(row, mean)
                    continue
                for tw in range(kw):
                    low, high = inner_range(out_w, width, sw, tw - pw)
                    add_every(row[low * sw + tw - pw :], sw, mean[low:high])
        divide(mean, count, nw, mean)
        oh += 1
        if oh == out_h:
            oh, od = 0, od + 1
        if od == out_d:
            od, n = 0, n + 1


@jit(inline="always")
def add_pairs(row: Any, total: Any) -> None:
    """Add two neighbours."""
    for j in range(len(total)):
        total[j] = total[j] + row[2 * j] + row[2 * j + 1]


@jit(inline="always")
def add_every(source: Any, step: int, target: Any) -> None:
    """Add source[i · step] to target[i]."""
    if step == 1:
        for i in range(len(target)):
            target[i] += source[i]
    else:
        for i in range(len(target)):
            target[i] += source[i * step]


@jit(parallel=True)
def _spread(
    dy: Any, g: Any, wd: Any, wh: Any, nd: Any, nh: Any, nw: Any, lines: int, dx: Any
) -> None:
    all_lines = len(dx) * g[SIZE, 0] * g[SIZE, 1]
    for task in prange((all_lines + lines - 1) // lines):
        first = task * lines
        spread_lines(dy, g, wd, wh, nd, nh, nw, first, min(first + lines, all_lines), dx)


@jit(error_model="numpy")
def spread_lines(
    dy: Any, g: Any, wd: Any, wh: Any, nd: Any, nh: Any, nw: Any, first: int, last: int, dx: Any
) -> None:
    """Fill lines first … last of dx, rows of inputs, from the windows that each lies in."""
    depth, height, width = g[SIZE]
    kd, kh, kw = g[KERNEL]
    sd, sh, sw = g[STRIDE]
    out_w, pw = g[OUT, 2], g[PADDING, 2]
    pairs = kd <= sd and kh <= sh and kw == 2 and sw == 2 and pw == 0 and 2 * out_w <= width
    share = np.empty(out_w, dy.dtype)
    n, d, h = first // (depth * height), first // height % depth, first % height
    for _ in range(first, last):
        row = dx[n, d, h]
        d0, d1, h0, h1 = wd[0, d], wd[1, d], wh[0, h], wh[1, h]
        if pairs and d0 < d1 and h0 < h1:
            share_among_pairs(dy[n, d0, h0], nd[d0] * nh[h0], nw, row[: 2 * out_w])
            fill(row[2 * out_w :], 0)
        else:
            fill(row, 0)
            # the last window first, of which the cell is the first tap: the text's order
            for od in range(d1 - 1, d0 - 1, -1):
                for oh in range(h1 - 1, h0 - 1, -1):
                    divide(dy[n, od, oh], nd[od] * nh[oh], nw, share)
                    for tw in range(kw):
                        low, high = inner_range(out_w, width, sw, tw - pw)
                        add(share[low:high], row[low * sw + tw - pw :], sw)
        h += 1
        if h == height:
            h, d = 0, d + 1
        if d == depth:
            d, n = 0, n + 1


@jit(inline="always", error_model="numpy")
def divide(total: Any, count: float, counts: Any, mean: Any) -> None:
    """Divide by the number of cells."""
    for j in range(len(total)):
        mean[j] = total[j] / (count * counts[j])


@jit(inline="always", error_model="numpy")
def share_among_pairs(dy: Any, count: float, counts: Any, row: Any) -> None:
    """Divide by the number of cells, and write each share twice."""
    for j in range(len(dy)):
        share = dy[j] / (count * counts[j])
        row[2 * j] = share
        row[2 * j + 1] = share
