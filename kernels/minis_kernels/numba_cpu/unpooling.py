"""Max unpooling and its gradient, each in one pass over memory.

The NumPy text makes four: it looks for the least index, for the largest, zeroes the result and
places the values. Here a thread takes a plane, a thousand indices at a time. It finds their least
and largest; zeroes the plane as far as the largest, unless that has been done; and places them.
Indices that pooling returned rise from row to row, so what is zeroed is still in cache when it is
written. An index beyond the plane ends the work, and the text runs and says so.

The gradient reads, at random as far as the processor can tell. The region between the least and the
largest index is therefore touched first, in order, which fetches it ahead of use.

Measured on two Zen 5 cores, float32, to (8, 64, 128, 128): 1.8 ms; to (1, 4, 128, 128, 128) 1.2 ms,
and 1.7 ms with each plane zeroed first. The gradient takes 1.7 ms on the former, 3.6 ms without
touching. The NumPy text takes 10 and 11 ms. That is into memory that the process already holds: 32
MB of fresh pages cost 2 ms more, for every kernel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from ..pool_geometry import are_sizes
from .arrays import servable
from .jit import jit
from .launch import launch
from .lines import fill

CHUNK = 1024  # indices that are looked at together
LINE = 16  # numbers, at most, that the cache fetches together


def max_unpool(x: Any, indices: Any, output_size: Any) -> Any:
    """Place values at their indices: `minis.ops.max_unpool`."""
    if not servable(x) or not 3 <= x.ndim <= 5 or not are_indices(indices, x.shape):
        return NotImplemented
    axes = x.ndim - 2
    size = (output_size,) * axes if type(output_size) is int else output_size
    if not are_sizes(size, axes):
        return NotImplemented
    y = scatter(x, indices, size)
    return NotImplemented if y is None else y


def max_unpool_backward(dy: Any, indices: Any) -> Any:
    """Gradient of max unpooling: `minis.ops.max_unpool_backward`."""
    if not servable(dy) or not 3 <= dy.ndim <= 5 or not isinstance(indices, np.ndarray):
        return NotImplemented
    if not are_indices(indices, dy.shape[:2] + indices.shape[2:]) or indices.ndim != dy.ndim:
        return NotImplemented
    planes = math.prod(dy.shape[:2])
    places = np.ascontiguousarray(indices, np.int64).reshape(planes, -1)
    dx = np.empty(places.shape, dy.dtype)
    good = np.empty(planes, np.bool_)
    launch(_gather, np.ascontiguousarray(dy).reshape(planes, -1), places, dx, good)
    return dx.reshape(indices.shape) if good.all() else NotImplemented


def scatter(values: Any, indices: Any, size: tuple[int, ...], *, adding: bool = False) -> Any:
    """Put (N, C, *o) values at `indices` of planes (N, C, *size), or return None if one can't be.

    Of several values at one index the last stays, unless they are to be added.
    """
    planes = math.prod(values.shape[:2])
    places = np.ascontiguousarray(indices, np.int64).reshape(planes, -1)
    y = np.empty((planes, math.prod(size)), values.dtype)
    good = np.empty(planes, np.bool_)
    flat = np.ascontiguousarray(values).reshape(planes, -1)
    launch(_scatter, flat, places, adding, y, good)
    return y.reshape(*values.shape[:2], *size) if good.all() else None


def are_indices(indices: Any, shape: tuple[int, ...]) -> bool:
    """Whether it is an array of integers of this shape, and not an empty one."""
    return (
        isinstance(indices, np.ndarray)
        and indices.dtype.kind in "iu"
        and indices.shape == shape
        and indices.size > 0
    )


@jit(parallel=True)
def _scatter(values: Any, places: Any, adding: bool, y: Any, good: Any) -> None:
    for n in prange(len(y)):
        good[n] = scatter_plane(values[n], places[n], adding, y[n])


@jit()
def scatter_plane(values: Any, places: Any, adding: bool, plane: Any) -> bool:
    """Fill a plane; return whether all places lie in it."""
    zeroed = 0
    for first in range(0, len(places), CHUNK):
        at = places[first : first + CHUNK]
        low, high = bounds(at)
        if low < 0 or high >= len(plane):
            return False
        if high >= zeroed:
            fill(plane[zeroed : high + 1], 0)
            zeroed = high + 1
        chunk = values[first : first + CHUNK]
        if adding:
            for i in range(len(at)):
                plane[np.uint64(at[i])] += chunk[i]
        else:
            for i in range(len(at)):
                plane[np.uint64(at[i])] = chunk[i]
    fill(plane[zeroed:], 0)
    return True


@jit(parallel=True)
def _gather(dy: Any, places: Any, dx: Any, good: Any) -> None:
    for n in prange(len(dy)):
        good[n] = gather_plane(dy[n], places[n], dx[n])


@jit()
def gather_plane(plane: Any, places: Any, values: Any) -> bool:
    """Read a plane; return whether all places lie in it."""
    for first in range(0, len(places), CHUNK):
        at = places[first : first + CHUNK]
        low, high = bounds(at)
        if low < 0 or high >= len(plane):
            return False
        region = plane[low : high + 1]
        chunk = values[first : first + CHUNK]
        if len(region) <= LINE * len(at):
            seen = region[0]
            for i in range(0, len(region), LINE):
                seen += region[i]
            chunk[0] = seen  # so that the compiler keeps the loop
        for i in range(len(at)):
            chunk[i] = plane[np.uint64(at[i])]
    return True


@jit(inline="always")
def bounds(at: Any) -> tuple[int, int]:
    """Return the least and the largest."""
    low = high = at[0]
    for i in range(len(at)):
        low = min(low, at[i])
        high = max(high, at[i])
    return low, high
