"""Max unpooling and its gradient.

    forward   1. a thread takes values: each claims the cell at its index
              2. a thread takes cells: each fetches the value that has claimed it, or becomes 0
    dx        a thread takes indices, and reads dy there

Values could simply be written to their cells. But where two share a cell the last in row-major
order must stay, and threads run in no order: the last that writes may be any of them. So a value
first claims its cell by its position, and an atomic maximum lets the last position win in whatever
order they come. Between the two kernels all claims are made: a kernel begins when the one before it
has ended. It costs 8 bytes more for each cell, and the result is the same always.

The GPU is waited for once in either function, to learn whether an index lies outside of its plane.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from ..pool_geometry import are_sizes
from .arrays import contiguous, empty, namespace, servable
from .launch import THREADS, blocks_for, kernel
from .signatures import Index1, Index2, Real2


def max_unpool(x: Any, indices: Any, output_size: Any) -> Any:
    """Place values at their indices: `minis.ops.max_unpool`."""
    if not servable(x) or not 3 <= x.ndim <= 5 or not are_indices(indices, x.shape):
        return NotImplemented
    axes = x.ndim - 2
    size = (output_size,) * axes if type(output_size) is int else output_size
    if not are_sizes(size, axes):
        return NotImplemented
    xp: Any = namespace(x)
    y = empty((math.prod(x.shape[:2]), math.prod(size)), x)
    claims = xp.full(y.shape, -1, np.int64)
    outside = xp.zeros(1, np.int64)
    _claim[blocks_for(x.size), THREADS](planes(indices.astype(np.int64)), claims, outside)
    _fetch[blocks_for(y.size), THREADS](planes(contiguous(x)), claims, y)
    return NotImplemented if int(outside[0]) else y.reshape(*x.shape[:2], *size)


def max_unpool_backward(dy: Any, indices: Any) -> Any:
    """Gradient of max unpooling: `minis.ops.max_unpool_backward`."""
    if not servable(dy) or not 3 <= dy.ndim <= 5 or namespace(indices) is None:
        return NotImplemented
    if indices.ndim != dy.ndim or not are_indices(indices, (*dy.shape[:2], *indices.shape[2:])):
        return NotImplemented
    xp: Any = namespace(dy)
    places = planes(indices.astype(np.int64))
    dx = empty(places.shape, dy)
    outside = xp.zeros(1, np.int64)
    _read[blocks_for(dx.size), THREADS](planes(contiguous(dy)), places, dx, outside)
    return NotImplemented if int(outside[0]) else dx.reshape(indices.shape)


def are_indices(indices: Any, shape: tuple[int, ...]) -> bool:
    """Whether it is an array of integers of this shape, and not an empty one."""
    return (
        namespace(indices) is not None
        and indices.dtype.kind in "iu"
        and indices.shape == shape
        and indices.size > 0
    )


def planes(a: Any) -> Any:
    """View (N, C, *S), copied if it is not contiguous, as (N·C, numbers of a plane)."""
    return contiguous(a).reshape(math.prod(a.shape[:2]), -1)


@kernel
def _claim(indices: Index2, claims: Index2, outside: Index1) -> None:
    """Note in each cell the position of the last value that goes there; claims come as −1."""
    count = indices.shape[1]
    for i in range(cuda.grid(1), indices.size, cuda.gridsize(1)):
        n, k = i // count, i % count
        at = indices[n, k]
        if 0 <= at < claims.shape[1]:
            cuda.atomic.max(claims, (n, at), k)
        else:
            outside[0] = 1  # several threads may write this: all write the same


@kernel
def _fetch(x: Real2, claims: Index2, y: Real2) -> None:
    """Fill each cell of y with the value that has claimed it, or with 0."""
    plane = y.shape[1]
    zero = x.dtype.type(0)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        n, at = i // plane, i % plane
        k = claims[n, at]
        y[n, at] = x[n, k] if k >= 0 else zero


@kernel
def _read(dy: Real2, indices: Index2, dx: Real2, outside: Index1) -> None:
    """Read dy at the indices: values that shared a cell all receive its gradient."""
    count = indices.shape[1]
    for i in range(cuda.grid(1), indices.size, cuda.gridsize(1)):
        n, k = i // count, i % count
        at = indices[n, k]
        if 0 <= at < dy.shape[1]:
            dx[n, k] = dy[n, at]
        else:
            outside[0] = 1
