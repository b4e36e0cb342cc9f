"""Resizing, in one pass over memory.

The NumPy text resizes one axis after the other, each time through arrays of the size so far. Here a
row of results is complete before the next is begun: the two rows of x above and below it (four, in
3-D) are mixed into a row that stays in cache, and that is widened. Nearest neighbours need no
mixing, and a row that repeats is copied. The arithmetic is the text's, number by number, and so are
the bits.

Where the last axis is doubled, the weights are 3/4 and 1/4 everywhere but at the ends, and no
index is looked up: 16 results come from one instruction. Any other size reads its two neighbours
through a list of positions.

Measured on two Zen 5 cores, float32: (1, 64, 128, 128) doubled takes 1.0 ms, through the list 2.1;
nearest neighbours 0.34 and 0.48; (1, 16, 32, 64, 64) doubled 3.8 ms, through the list 8. That is
into memory that the process already holds: 64 MB of fresh pages cost 2 to 5 ms more.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange

from ..pool_geometry import are_sizes
from .arrays import servable, with_three_axes
from .jit import jit
from .launch import launch
from .lines import copy
from .pool_tasks import lines_per_task

OTHERWISE, NEAREST, LINEAR = range(3)  # how the last axis is doubled
LONGEST = 1 << 12  # axis whose positions are kept
PAD = 16  # cells at either end of a row in the making: of use is one, but the row stays aligned


def interpolate(x: Any, size: Any, *, mode: str = "nearest", align_corners: bool = False) -> Any:
    """Resize the spatial axes: `minis.ops.interpolate`."""
    if not may_interpolate(x, mode, align_corners):
        return NotImplemented
    axes = x.ndim - 2
    size = (size,) * axes if type(size) is int else size
    if not are_sizes(size, axes):
        return NotImplemented
    x3, out = with_three_axes(x), (1,) * (3 - axes) + size
    planes = math.prod(x.shape[:2])
    x3 = x3.reshape(planes, *x3.shape[2:])
    y = np.empty((planes, *out), x.dtype)
    lines = lines_per_task(planes * out[0] * out[1], out[2])
    doubled = doubling(x3.shape[3], out[2], mode, align_corners)
    sources = [
        positions(i, o, mode, align_corners, x.dtype)
        for i, o in zip(x3.shape[1:], out, strict=True)
    ]
    if mode == "nearest":
        launch(_nearest, x3, *(at[0] for at, _ in sources), doubled, lines, y)
    else:
        launch(_linear, x3, axes, *(a for pair in sources for a in pair), doubled, lines, y)
    return y.reshape(*x.shape[:2], *size)


def may_interpolate(a: Any, mode: Any, align_corners: Any) -> bool:
    """Whether the kernels serve these arguments."""
    return (
        servable(a)
        and 3 <= a.ndim <= 5
        and isinstance(mode, str)
        and mode in ("nearest", "linear")
        and isinstance(align_corners, bool)
    )


def doubling(size: int, out: int, mode: str, align_corners: bool) -> int:
    """Say how the last axis is doubled, if it is: the weights are then the same everywhere."""
    if out != 2 * size or size < 2 or (mode == "linear" and align_corners):
        return OTHERWISE
    return NEAREST if mode == "nearest" else LINEAR


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the lists that belong to the latest sizes, unless they are long."""
    cached = functools.lru_cache(64)(function)

    def remembering(size: int, out: int, *options: Any) -> Any:
        return (cached if max(size, out) <= LONGEST else function)(size, out, *options)

    return remembering


@remembered
def positions(size: int, out: int, mode: str, align_corners: bool, dtype: Any) -> tuple[Any, Any]:
    """For each output along an axis, the two inputs it mixes and their weights: (2, out) each."""
    j = np.arange(out)
    if mode == "nearest":
        at = j * size // out
        return np.stack([at, at]), np.stack([np.ones(out), np.zeros(out)]).astype(dtype)
    if align_corners:
        source = j * ((size - 1) / (out - 1) if out > 1 else 0.0)
    else:
        source = np.maximum((j + 0.5) * (size / out) - 0.5, 0.0)
    at = np.minimum(source.astype(np.int64), size - 1)
    second = (source - at).astype(dtype)
    return np.stack([at, np.minimum(at + 1, size - 1)]), np.stack([1 - second, second])


@jit(parallel=True)
def _nearest(x: Any, d: Any, h: Any, w: Any, doubled: int, lines: int, y: Any) -> None:
    all_lines = len(x) * len(d) * len(h)
    for task in prange((all_lines + lines - 1) // lines):
        first = task * lines
        nearest_lines(x, d, h, w, doubled, first, min(first + lines, all_lines), y)


@jit()
def nearest_lines(
    x: Any, d: Any, h: Any, w: Any, doubled: int, first: int, last: int, y: Any
) -> None:
    """Fill lines first … last of y; a line is a row along the last axis."""
    n, od, oh = first // (len(d) * len(h)), first // len(h) % len(d), first % len(h)
    for line in range(first, last):
        row, target = x[n, d[od], h[oh]], y[n, od, oh]
        if line > first and oh > 0 and h[oh] == h[oh - 1]:
            copy(y[n, od, oh - 1], target, 1)
        elif doubled == NEAREST:
            for k in range(len(row)):
                target[2 * k] = row[k]
                target[2 * k + 1] = row[k]
        else:
            for j in range(len(target)):
                target[j] = row[np.uint64(w[j])]
        oh += 1
        if oh == len(h):
            oh, od = 0, od + 1
        if od == len(d):
            od, n = 0, n + 1


@jit(parallel=True)
def _linear(
    x: Any,
    axes: int,
    at_d: Any,
    weight_d: Any,
    at_h: Any,
    weight_h: Any,
    at_w: Any,
    weight_w: Any,
    doubled: int,
    lines: int,
    y: Any,
) -> None:
    all_lines = len(x) * y.shape[1] * y.shape[2]
    for task in prange((all_lines + lines - 1) // lines):
        first = task * lines
        last = min(first + lines, all_lines)
        linear_lines(
            x, axes, at_d, weight_d, at_h, weight_h, at_w, weight_w, doubled, first, last, y
        )


@jit()
def linear_lines(
    x: Any,
    axes: int,
    at_d: Any,
    weight_d: Any,
    at_h: Any,
    weight_h: Any,
    at_w: Any,
    weight_w: Any,
    doubled: int,
    first: int,
    last: int,
    y: Any,
) -> None:
    """Fill lines first … last of y: mix up to four rows of x, then widen the mixture."""
    _, out_d, out_h, _ = y.shape
    width = x.shape[3]
    mixed = np.zeros(width + 2 * PAD, x.dtype)
    inner = mixed[PAD : PAD + width]
    n, od, oh = first // (out_d * out_h), first // out_h % out_d, first % out_h
    for _ in range(first, last):
        d0, d1 = at_d[0, od], at_d[1, od]
        h0, h1 = at_h[0, oh], at_h[1, oh]
        s, t = weight_d[0, od], weight_d[1, od]
        u, v = weight_h[0, oh], weight_h[1, oh]
        if axes == 1:
            copy(x[n, 0, 0], inner, 1)
        elif axes == 2:
            mix_two(x[n, 0, h0], x[n, 0, h1], u, v, inner)
        else:
            a, b, c, d = x[n, d0, h0], x[n, d1, h0], x[n, d0, h1], x[n, d1, h1]
            mix_four(a, b, c, d, s, t, u, v, inner)
        if doubled == LINEAR:
            double(mixed[PAD - 1 :], weight_w[0, 1], weight_w[1, 1], y[n, od, oh])
            for j in (0, len(y[n, od, oh]) - 1):
                y[n, od, oh, j] = (
                    weight_w[0, j] * inner[at_w[0, j]] + weight_w[1, j] * inner[at_w[1, j]]
                )
        else:
            widen(inner, at_w[0], at_w[1], weight_w[0], weight_w[1], y[n, od, oh])
        oh += 1
        if oh == out_h:
            oh, od = 0, od + 1
        if od == out_d:
            od, n = 0, n + 1


@jit(inline="always")
def mix_two(a: Any, b: Any, s: float, t: float, target: Any) -> None:
    """Set s·a + t·b."""
    for k in range(len(target)):
        target[k] = s * a[k] + t * b[k]


@jit(inline="always")
def mix_four(
    a: Any, b: Any, c: Any, d: Any, s: float, t: float, u: float, v: float, target: Any
) -> None:
    """Set u·(s·a + t·b) + v·(s·c + t·d)."""
    for k in range(len(target)):
        target[k] = u * (s * a[k] + t * b[k]) + v * (s * c[k] + t * d[k])


@jit(inline="always")
def double(mixed: Any, near: float, far: float, target: Any) -> None:
    """Double a row that has a cell more at either end; the ends of `target` come out wrong."""
    left, middle, right = mixed, mixed[1:], mixed[2:]
    for k in range(len(target) // 2):
        target[2 * k] = far * left[k] + near * middle[k]
        target[2 * k + 1] = near * middle[k] + far * right[k]


@jit(inline="always")
def widen(row: Any, i: Any, k: Any, s: Any, t: Any, target: Any) -> None:
    """Resize a row: s·row[i] + t·row[k]."""
    for j in range(len(target)):
        target[j] = s[j] * row[np.uint64(i[j])] + t[j] * row[np.uint64(k[j])]
