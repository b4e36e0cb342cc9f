"""Resizing and its gradient: both gather, and no thread waits for another.

    forward   a thread takes outputs: each mixes 1, 2, 4 or 8 neighbours in x
    dx        a thread takes cells of dx: each goes through the outputs that read it

The NumPy text resizes one axis after the other. Here an output is mixed at once: where two cells
have the weights 1 − t and t along an axis, those of several axes are multiplied.

The gradient could scatter what each output read, by atomic additions. Gathering needs none, and the
result is the same always. Along an axis, the outputs that read cell i are those whose position lies
between i − 1 and i + 1. Positions rise with the outputs, so these are a range; it is found in
integers, with an output more at either end than needed, as positions are rounded. What each of them
gives the cell is computed as in the forward; to those too many it is 0.

A matrix product spreads what isn't finite along the axes, as the operation's docstring says. So the
GPU is waited for once in the gradient: where a cell of dx isn't finite, the NumPy text does it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from ..pool_geometry import are_sizes
from .arrays import empty, namespace, servable, with_three_axes
from .conv_places import pixel
from .launch import THREADS, blocks_for, device, kernel
from .signatures import Index1, Real4


def interpolate(x: Any, size: Any, *, mode: str = "nearest", align_corners: bool = False) -> Any:
    """Resize the spatial axes: `minis.ops.interpolate`."""
    if not _served(x, mode, align_corners):
        return NotImplemented
    axes = x.ndim - 2
    size = (size,) * axes if type(size) is int else size
    if not are_sizes(size, axes):
        return NotImplemented
    x4 = _four_axes(x)
    y = empty((len(x4), *(1,) * (3 - axes), *size), x)
    linear = mode == "linear"
    # along an axis that x does not have, nothing is mixed
    mixed = tuple(2 if linear and axis >= 3 - axes else 1 for axis in range(3))
    _mix[blocks_for(y.size), THREADS](x4, mixed, linear, align_corners, y)
    return y.reshape(*x.shape[:2], *size)


def interpolate_backward(
    dy: Any, input_shape: Any, *, mode: str = "nearest", align_corners: bool = False
) -> Any:
    """Gradient of resizing: `minis.ops.interpolate_backward`."""
    if not _served(dy, mode, align_corners) or not are_sizes(input_shape, dy.ndim):
        return NotImplemented
    if dy.shape[:2] != input_shape[:2]:
        return NotImplemented
    xp: Any = namespace(dy)
    dy4 = _four_axes(dy)
    dx = empty((len(dy4), *(1,) * (5 - dy.ndim), *input_shape[2:]), dy)
    odd = xp.zeros(1, np.int64)
    _collect[blocks_for(dx.size), THREADS](dy4, mode == "linear", align_corners, dx, odd)
    return NotImplemented if int(odd[0]) else dx.reshape(input_shape)


def _served(a: Any, mode: Any, align_corners: Any) -> bool:
    return (
        servable(a)
        and 3 <= a.ndim <= 5
        and isinstance(mode, str)
        and mode in ("nearest", "linear")
        and isinstance(align_corners, bool)
    )


def _four_axes(a: Any) -> Any:
    deep = with_three_axes(a)
    return deep.reshape(-1, *deep.shape[2:])


@device
def _source(
    j: int, size: int, out: int, linear: bool, align_corners: bool
) -> tuple[int, int, float]:
    """Return the two cells that output j of an axis mixes, and the weight of the second."""
    if not linear:
        return j * size // out, j * size // out, 0.0
    at = 0.0
    if not align_corners:
        at = max((j + 0.5) * (size / out) - 0.5, 0.0)
    elif out > 1:
        at = j * ((size - 1) / (out - 1))
    first = min(int(at), size - 1)
    return first, min(first + 1, size - 1), at - first


@device
def _readers(i: int, size: int, out: int, linear: bool, align_corners: bool) -> tuple[int, int]:
    """Return a range that has all outputs of an axis that read cell i."""
    if not linear:
        return -(-i * out // size), -(-(i + 1) * out // size)
    if not align_corners:  # i − 1 < (j + ½)·size/out − ½ < i + 1
        first, last = (2 * i - 1) * out // (2 * size) - 1, (2 * i + 3) * out // (2 * size) + 1
    elif size > 1:  # i − 1 < j·(size − 1)/(out − 1) < i + 1
        first, last = (i - 1) * (out - 1) // (size - 1), (i + 1) * (out - 1) // (size - 1) + 1
    else:
        first, last = 0, out - 1
    return max(first, 0), min(last + 1, out)


@device
def _weight(i: int, j: int, size: int, out: int, linear: bool, align_corners: bool) -> float:
    """Return the weight that output j of an axis gives to cell i."""
    first, second, t = _source(j, size, out, linear, align_corners)
    return (1 - t if first == i else 0.0) + (t if second == i else 0.0)


@kernel
def _mix(
    x: Real4, mixed: tuple[int, int, int], linear: bool, align_corners: bool, y: Real4
) -> None:
    """Mix, for each output, so many cells of x along each axis."""
    _, depth, height, width = x.shape
    number = x.dtype.type
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        n, out_d, out_h, out_w = pixel(i, y.shape[1:])
        d0, d1, t_d = _source(out_d, depth, y.shape[1], linear, align_corners)
        h0, h1, t_h = _source(out_h, height, y.shape[2], linear, align_corners)
        w0, w1, t_w = _source(out_w, width, y.shape[3], linear, align_corners)
        total = number(0)
        for a in range(mixed[0]):
            d, deep = (d1, t_d) if a else (d0, 1 - t_d)
            for b in range(mixed[1]):
                h, high = (h1, t_h) if b else (h0, 1 - t_h)
                for c in range(mixed[2]):
                    w, wide = (w1, t_w) if c else (w0, 1 - t_w)
                    total += number(deep * high * wide) * x[n, d, h, w]
        y[n, out_d, out_h, out_w] = total


@kernel
def _collect(dy: Real4, linear: bool, align_corners: bool, dx: Real4, odd: Index1) -> None:
    """Add up, for each cell, what the outputs that read it give back."""
    _, depth, height, width = dx.shape
    _, out_d, out_h, out_w = dy.shape
    number = dy.dtype.type
    for i in range(cuda.grid(1), dx.size, cuda.gridsize(1)):
        n, d, h, w = pixel(i, dx.shape[1:])
        first_d, end_d = _readers(d, depth, out_d, linear, align_corners)
        first_h, end_h = _readers(h, height, out_h, linear, align_corners)
        first_w, end_w = _readers(w, width, out_w, linear, align_corners)
        total = number(0)
        for a in range(first_d, end_d):
            deep = _weight(d, a, depth, out_d, linear, align_corners)
            for b in range(first_h, end_h):
                area = deep * _weight(h, b, height, out_h, linear, align_corners)
                for c in range(first_w, end_w):
                    weight = area * _weight(w, c, width, out_w, linear, align_corners)
                    total += number(weight) * dy[n, a, b, c]
        dx[n, d, h, w] = total
        if not math.isfinite(total):
            odd[0] = 1  # several threads may write this: all write the same
