"""Max unpooling on the GPU, by the kernels of `sources/unpooling.cu`.

An index outside its plane is not an error here, which would cost a synchronisation: where values
are placed, the first cell of that plane becomes NaN, and where they are read, what is read does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..pool_geometry import are_sizes
from .arrays import contiguous, namespace, servable
from .grid import blocks_for
from .planes import fits, over_planes
from .program import Program

PROGRAM = Program("unpooling.cu")
SHARED = 48 * 1024  # bytes that a block of any GPU has
MANY = 132  # planes that give every multiprocessor of the largest GPU one
MOST_THREADS = 512  # of a block that takes a plane


def max_unpool(x: Any, indices: Any, output_size: Any) -> Any:
    """Place values at their indices: `minis.ops.max_unpool`."""
    if not servable(x) or not 3 <= x.ndim <= 5 or not are_indices(indices, x):
        return NotImplemented
    axes = x.ndim - 2
    size = (output_size,) * axes if type(output_size) is int else output_size
    if not are_sizes(size, axes) or indices.shape != x.shape or not fits(size, x.shape[2:]):
        return NotImplemented
    return scatter(x, indices, size)


def max_unpool_backward(dy: Any, indices: Any) -> Any:
    """Gradient of max unpooling: `minis.ops.max_unpool_backward`."""
    if not servable(dy) or not 3 <= dy.ndim <= 5 or not are_indices(indices, dy):
        return NotImplemented
    if indices.ndim != dy.ndim or indices.shape[:2] != dy.shape[:2]:
        return NotImplemented
    if not fits(dy.shape[2:], indices.shape[2:]):
        return NotImplemented
    dy, places = contiguous(dy), as_places(indices)
    dx = namespace(dy).empty(places.shape, dy.dtype)  # type: ignore[union-attr]
    planes, count = math.prod(dy.shape[:2]), math.prod(places.shape[2:])
    run = PROGRAM.kernel("read_places", dy.dtype)
    run(*over_planes(count, planes), dy, places, dx, planes, count, math.prod(dy.shape[2:]))
    return dx


def scatter(values: Any, indices: Any, size: tuple[int, ...], *, adding: bool = False) -> Any:
    """Put (N, C, *o) values at `indices` of planes (N, C, *size), zeros elsewhere.

    Of several values at one index the last stays, unless they are to be added.
    """
    values, places, xp = contiguous(values), as_places(indices), namespace(values)
    assert xp is not None
    planes, count, cells = (math.prod(s) for s in (values.shape[:2], values.shape[2:], size))
    shape, sizes = (*values.shape[:2], *size), (planes, count, cells)
    plane = cells * values.itemsize
    if plane <= SHARED or planes >= MANY:
        shared = plane if plane <= SHARED else 0
        y = xp.empty(shape, values.dtype)
        run = PROGRAM.kernel("add_to_planes" if adding else "put_in_planes", values.dtype)
        threads = min(MOST_THREADS, -(-max(count, cells) // 32) * 32)
        run(blocks_for(planes, 1), threads, values, places, y, *sizes, bool(shared), shared=shared)
        return y
    y = xp.zeros(shape, values.dtype)
    layout = over_planes(count, planes)
    if adding:
        PROGRAM.kernel("add_values", values.dtype)(*layout, values, places, y, *sizes)
    else:
        PROGRAM.kernel("claim_cells", values.dtype)(*layout, places, y, *sizes)
        settle = PROGRAM.kernel("settle_cells", values.dtype)
        settle(*over_planes(cells, planes), values, y, *sizes)
    return y


def are_indices(indices: Any, beside: Any) -> bool:
    """Whether it is an array of integers, not empty, in the same place as another array."""
    return (
        hasattr(indices, "dtype")
        and namespace(indices) is namespace(beside)
        and indices.dtype.kind in "iu"
        and indices.size > 0
    )


def as_places(indices: Any) -> Any:
    """Return indices as contiguous int64."""
    return contiguous(indices.astype(np.int64, copy=False))
