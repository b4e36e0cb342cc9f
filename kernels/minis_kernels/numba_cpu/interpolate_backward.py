"""The gradient of resizing, in one pass over memory.

The NumPy text multiplies by the transposed matrix of each axis. Here each row of dx fetches what it
gave: the rows of dy that read it, four at a time, are added with their weights into a row that
stays in cache, and that is narrowed. No two threads write to the same row. In 3-D the planes of dy
are added first, a block at a time, so that they are read in order.

Where the last axis was doubled, the weights are 3/4 and 1/4 everywhere but at the ends, and no
index is looked up.

A matrix product spreads what isn't finite along the axes, as the operation's docstring says. A
result that isn't finite is therefore left to the NumPy text.

Measured on two Zen 5 cores, float32: (1, 64, 128, 128) from its double takes 0.8 to 1.3 ms, with
indices 3.0; (1, 16, 32, 64, 64) 4.7 ms, with indices 7.8, with dy's planes not added first 6.5.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from ..pool_geometry import are_sizes
from .arrays import with_three_axes
from .interpolate import LINEAR, NEAREST, PAD, doubling, may_interpolate, positions, remembered
from .jit import jit
from .launch import launch
from .lines import fill

BLOCK = 1 << 15  # numbers of dy that a task adds along depth, so that the sum stays in cache


def interpolate_backward(
    dy: Any, input_shape: Any, *, mode: str = "nearest", align_corners: bool = False
) -> Any:
    """Gradient of resizing: `minis.ops.interpolate_backward`."""
    if not may_interpolate(dy, mode, align_corners) or not are_sizes(input_shape, dy.ndim):
        return NotImplemented
    if dy.shape[:2] != input_shape[:2]:
        return NotImplemented
    planes = math.prod(dy.shape[:2])
    dy3 = with_three_axes(dy)
    dy3 = dy3.reshape(planes, *dy3.shape[2:])
    size = (1,) * (5 - dy.ndim) + input_shape[2:]
    dx = np.empty((planes, *size), dy.dtype)
    readers = [
        _readers(i, o, mode, align_corners, dy.dtype, group)
        for i, o, group in zip(size, dy3.shape[1:], (4, 4, 1), strict=True)
    ]
    # lines of dx whose lines of dy, about as many times more as the axis grows, make up a block
    lines = max(1, BLOCK * size[1] // (dy3.shape[2] * dy3.shape[3]))
    blocks = math.ceil(size[1] / lines)
    finite = np.empty(planes * size[0] * blocks, np.bool_)
    doubled = doubling(size[2], dy3.shape[3], mode, align_corners)
    launch(_gradient, dy3, *(a for three in readers for a in three), doubled, lines, dx, finite)
    return dx.reshape(input_shape) if finite.all() else NotImplemented


@remembered
def _readers(
    size: int, out: int, mode: str, align_corners: bool, dtype: Any, group: int
) -> tuple[Any, Any, Any]:
    """For each input along an axis, the outputs that read it, in rising order, and their weights.

    Those of input i stand at begin[i] … begin[i + 1]. None weighs 0 but those that repeat the last
    of an input, to make their number a multiple of `group`.
    """
    at, weight = positions(size, out, mode, align_corners, np.dtype(np.float64))
    inputs, weights, outputs = at.ravel(), weight.ravel(), np.tile(np.arange(out), 2)
    order = np.lexsort((outputs, inputs))
    order = order[weights[order] != 0]
    inputs, weights, outputs = inputs[order], weights[order], outputs[order]
    counts = np.bincount(inputs, minlength=size)
    groups = -(-counts // group) * group
    begin = np.concatenate([[0], np.cumsum(groups)])
    slots = np.arange(len(inputs)) + (begin[:-1] - np.cumsum(counts) + counts)[inputs]
    padded, values = np.repeat(outputs[np.cumsum(counts) - 1], groups), np.zeros(begin[-1], dtype)
    padded[slots], values[slots] = outputs, weights
    return begin, padded, values


@jit(parallel=True)
def _gradient(
    dy: Any,
    begin_d: Any,
    from_d: Any,
    weight_d: Any,
    begin_h: Any,
    from_h: Any,
    weight_h: Any,
    begin_w: Any,
    from_w: Any,
    weight_w: Any,
    doubled: int,
    lines: int,
    dx: Any,
    finite: Any,
) -> None:
    _, depth, height, _ = dx.shape
    blocks = (height + lines - 1) // lines
    for task in prange(len(finite)):
        n, d, first = task // blocks // depth, task // blocks % depth, task % blocks * lines
        block = dx[n, d, first : first + lines]
        begin = begin_h[first : first + lines + 1]
        e0, e1 = begin_d[d], begin_d[d + 1]
        finite[task] = gradient_lines(
            dy[n],
            from_d[e0:e1],
            weight_d[e0:e1],
            begin,
            from_h,
            weight_h,
            begin_w,
            from_w,
            weight_w,
            doubled,
            block,
        )


@jit(fastmath={"contract"})
def gradient_lines(
    dy: Any,
    from_d: Any,
    weight_d: Any,
    begin_h: Any,
    from_h: Any,
    weight_h: Any,
    begin_w: Any,
    from_w: Any,
    weight_w: Any,
    doubled: int,
    dx: Any,
) -> bool:
    """Fill lines (L, W) of dx at one depth; return whether all numbers are finite."""
    last = len(begin_h) - 1
    if len(from_d) == 0 or begin_h[0] == begin_h[last]:
        fill(dx.reshape(-1), 0)
        return True
    low, high = from_h[begin_h[0]], from_h[begin_h[last] - 1] + 1
    rows = dy[from_d[0], low:high]
    if weight_d[0] != 1 or weight_d[1] != 0:
        rows = add_planes(dy, from_d, weight_d, low, high)
    width, out_w = dx.shape[1], dy.shape[2]
    total = np.zeros(out_w + 2 * PAD, dy.dtype)
    inner = total[PAD : PAD + out_w]
    finite = True
    for i in range(last):
        fill(inner, 0)
        for e in range(begin_h[i], begin_h[i + 1], 4):
            add_four(
                rows[from_h[e] - low],
                rows[from_h[e + 1] - low],
                rows[from_h[e + 2] - low],
                rows[from_h[e + 3] - low],
                weight_h[e : e + 4],
                inner,
            )
        if doubled == NEAREST:
            add_pairs(inner, dx[i])
        else:
            if doubled == LINEAR:
                halve(total[PAD - 1 :], weight_w[1], weight_w[2], dx[i])
            step = width - 1 if doubled == LINEAR else 1  # then only the ends are left to do
            narrow(inner, begin_w, from_w, weight_w, step, dx[i])
        finite &= all_finite(dx[i])
    return finite


@jit(fastmath={"contract"})
def add_planes(dy: Any, planes: Any, weights: Any, low: int, high: int) -> Any:
    """Add lines low … high of planes of dy (D, H, W) with their weights."""
    total = np.zeros((high - low, dy.shape[2]), dy.dtype)
    for e in range(0, len(planes), 4):
        for h in range(low, high):
            add_four(
                dy[planes[e], h],
                dy[planes[e + 1], h],
                dy[planes[e + 2], h],
                dy[planes[e + 3], h],
                weights[e : e + 4],
                total[h - low],
            )
    return total


@jit(inline="always")
def add_four(a: Any, b: Any, c: Any, d: Any, weights: Any, target: Any) -> None:
    """Add four weighted rows."""
    s, t, u, v = weights[0], weights[1], weights[2], weights[3]
    for k in range(len(target)):
        target[k] += (s * a[k] + t * b[k]) + (u * c[k] + v * d[k])


@jit(inline="always")
def add_pairs(row: Any, target: Any) -> None:
    """Undo a doubling by nearest neighbour: add two neighbours."""
    for k in range(len(target)):
        target[k] = row[2 * k] + row[2 * k + 1]


@jit(inline="always")
def halve(row: Any, near: float, far: float, target: Any) -> None:
    """Undo a linear doubling of a row with a cell more at either end; the ends come out wrong."""
    left, right = row, row[2:]
    for k in range(len(target)):
        outer = left[2 * k] + right[2 * k + 1]
        target[k] = near * (left[2 * k + 1] + right[2 * k]) + far * outer


@jit(inline="always")
def narrow(row: Any, begin: Any, source: Any, weight: Any, step: int, target: Any) -> None:
    """Undo any resizing, for every `step`-th target."""
    for i in range(0, len(target), step):
        total = weight[0] - weight[0]
        for e in range(begin[i], begin[i + 1]):
            total += weight[np.uint64(e)] * row[np.uint64(source[np.uint64(e)])]
        target[i] = total


@jit(inline="always")
def all_finite(row: Any) -> bool:
    """Whether no number is infinite or NaN."""
    finite = True
    for i in range(len(row)):
        finite &= row[i] - row[i] == 0
    return finite
