"""Max pooling and its gradient.

    forward   a thread takes outputs: it looks through the window of each, cell by cell, and keeps
              the best value and its place in registers; both are written once
    dx        a thread takes numbers of dy: it adds each to the cell that its maximum came from

dx scatters, because indices alone don't say which windows a cell lies in. Several threads may add
to one cell where windows overlap, so they do it by atomic additions: the GPU reads, adds and writes
without letting another thread in between. They come in any order, and the last bits of a cell that
three or more windows chose may differ from call to call. Windows that don't overlap give the same
bits always.

The GPU is waited for once in the gradient, to learn whether an index lies outside of its plane.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from ..geometry import Geometry
from ..pool_geometry import are_sizes, pool_geometry
from .arrays import contiguous, empty, namespace, servable, with_three_axes
from .conv_places import pixel
from .launch import THREADS, blocks_for, kernel
from .signatures import Index1, Index2, Index4, Real2, Real4
from .unpooling import are_indices, planes


def max_pool(
    x: Any,
    size: Any,
    *,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    """Take the maximum of each window: `minis.ops.max_pool`."""
    if not servable(x) or not 3 <= x.ndim <= 5:
        return NotImplemented
    g = pool_geometry(x.shape[2:], size, stride, padding, dilation, ceil_mode)
    if g is None:
        return NotImplemented
    count = math.prod(x.shape[:2])
    y = empty((count, *g.out), x)
    indices = empty(y.shape, x, np.int64)
    x4 = with_three_axes(x).reshape(count, *g.size)
    _pool[blocks_for(y.size), THREADS](x4, g, y, indices)
    shape = (*x.shape[:2], *g.out[5 - x.ndim :])
    return y.reshape(shape), indices.reshape(shape)


def max_pool_backward(dy: Any, indices: Any, input_shape: Any) -> Any:
    """Gradient of max pooling: `minis.ops.max_pool_backward`."""
    if not servable(dy) or not 3 <= dy.ndim <= 5 or not are_indices(indices, dy.shape):
        return NotImplemented
    if not are_sizes(input_shape, dy.ndim) or input_shape[:2] != dy.shape[:2]:
        return NotImplemented
    xp: Any = namespace(dy)
    dx = xp.zeros((math.prod(dy.shape[:2]), math.prod(input_shape[2:])), dy.dtype)
    outside = xp.zeros(1, np.int64)
    places = planes(indices.astype(np.int64))
    _scatter[blocks_for(dy.size), THREADS](planes(contiguous(dy)), places, dx, outside)
    return NotImplemented if int(outside[0]) else dx.reshape(input_shape)


@kernel
def _pool(x: Real4, g: Geometry, y: Real4, indices: Index4) -> None:
    """Take the best of each window, the first of equals; NaN beats all, and the last NaN stays."""
    depth, height, width = g.size
    step_d, step_h, step_w = g.dilation
    zero = x.dtype.type(0)
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        n, out_d, out_h, out_w = pixel(i, y.shape[1:])
        first_d = out_d * g.stride[0] - g.padding[0]
        first_h = out_h * g.stride[1] - g.padding[1]
        first_w = out_w * g.stride[2] - g.padding[2]
        best, place = zero, -1
        for d in range(first_d, first_d + g.kernel[0] * step_d, step_d):
            for h in range(first_h, first_h + g.kernel[1] * step_h, step_h):
                for w in range(first_w, first_w + g.kernel[2] * step_w, step_w):
                    if 0 <= d < depth and 0 <= h < height and 0 <= w < width:
                        value = x[n, d, h, w]
                        # the first cell inside x is taken even if it is −inf
                        if place < 0 or value > best or math.isnan(value):
                            best, place = value, (d * height + h) * width + w
        y[n, out_d, out_h, out_w] = best
        indices[n, out_d, out_h, out_w] = place


@kernel
def _scatter(dy: Real2, indices: Index2, dx: Real2, outside: Index1) -> None:
    """Add each number of dy at its index; dx comes as zeros."""
    count = dy.shape[1]
    for i in range(cuda.grid(1), dy.size, cuda.gridsize(1)):
        n, k = i // count, i % count
        at = indices[n, k]
        if 0 <= at < dx.shape[1]:
            cuda.atomic.add(dx, (n, at), dy[n, k])
        else:
            outside[0] = 1  # several threads may write this: all write the same
