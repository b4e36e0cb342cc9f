"""Average pooling and its gradient: both gather, and no thread waits for another.

    forward   a thread takes outputs: it adds up the window of each, and divides
    dx        a thread takes cells of dx: it adds up what the windows around each give it

A thread of the gradient could take a window instead, and add its share to all its cells. But
windows overlap: that takes atomic additions, in any order. Turned around, a cell of dx is written
by one thread, once. The windows that cover a cell at position p of a padded axis are those with

    window·stride ≤ p < window·stride + size        ⌊(p − size)/stride⌋ + 1 … ⌊p/stride⌋

Sums are in the order of the NumPy text.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from ..geometry import Geometry
from ..pool_geometry import are_sizes, pool_geometry
from .arrays import empty, servable, with_three_axes
from .conv_places import pixel
from .launch import THREADS, blocks_for, device, kernel
from .signatures import Real4


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
    if not servable(x) or not 3 <= x.ndim <= 5 or type(count_include_pad) is not bool:
        return NotImplemented
    g = pool_geometry(x.shape[2:], size, stride, padding, 1, ceil_mode)
    if g is None:
        return NotImplemented
    planes = math.prod(x.shape[:2])
    y = empty((planes, *g.out), x)
    x4 = with_three_axes(x).reshape(planes, *g.size)
    _average[blocks_for(y.size), THREADS](x4, g, count_include_pad, y)
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
    if not servable(dy) or not 3 <= dy.ndim <= 5 or type(count_include_pad) is not bool:
        return NotImplemented
    if not are_sizes(input_shape, dy.ndim):
        return NotImplemented
    g = pool_geometry(input_shape[2:], size, stride, padding, 1, ceil_mode)
    if g is None or dy.shape != (*input_shape[:2], *g.out[5 - dy.ndim :]):
        return NotImplemented
    planes = math.prod(dy.shape[:2])
    dx = empty((planes, *g.size), dy)
    dy4 = with_three_axes(dy).reshape(planes, *g.out)
    _spread[blocks_for(dx.size), THREADS](dy4, g, count_include_pad, dx)
    return dx.reshape(input_shape)


@device
def _counted(g: Geometry, axis: int, window: int, include_padding: bool) -> int:
    """Count the cells of a window that its mean is over, along one axis."""
    start = window * g.stride[axis] - g.padding[axis]
    end = min(start + g.kernel[axis], g.size[axis] + g.padding[axis])
    if not include_padding:
        start, end = max(start, 0), min(end, g.size[axis])
    return end - start


@device
def _windows_over(g: Geometry, axis: int, cell: int) -> tuple[int, int]:
    """Return the first and the last window that cover a cell, along one axis."""
    at = cell + g.padding[axis]
    first = max((at - g.kernel[axis]) // g.stride[axis] + 1, 0)
    return first, min(at // g.stride[axis], g.out[axis] - 1)


@kernel
def _average(x: Real4, g: Geometry, include_padding: bool, y: Real4) -> None:
    """Add up each window, without its padding, and divide by the number of its cells."""
    depth, height, width = g.size
    number = x.dtype.type
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        n, out_d, out_h, out_w = pixel(i, y.shape[1:])
        first_d = out_d * g.stride[0] - g.padding[0]
        first_h = out_h * g.stride[1] - g.padding[1]
        first_w = out_w * g.stride[2] - g.padding[2]
        total = number(0)
        for d in range(max(first_d, 0), min(first_d + g.kernel[0], depth)):
            for h in range(max(first_h, 0), min(first_h + g.kernel[1], height)):
                for w in range(max(first_w, 0), min(first_w + g.kernel[2], width)):
                    total += x[n, d, h, w]
        count = (
            _counted(g, 0, out_d, include_padding)
            * _counted(g, 1, out_h, include_padding)
            * _counted(g, 2, out_w, include_padding)
        )
        y[n, out_d, out_h, out_w] = total / number(count)


@kernel
def _spread(dy: Real4, g: Geometry, include_padding: bool, dx: Real4) -> None:
    """Add up, for each cell, the shares that it has in the windows that cover it."""
    number = dy.dtype.type
    for i in range(cuda.grid(1), dx.size, cuda.gridsize(1)):
        n, d, h, w = pixel(i, dx.shape[1:])
        first_d, last_d = _windows_over(g, 0, d)
        first_h, last_h = _windows_over(g, 1, h)
        first_w, last_w = _windows_over(g, 2, w)
        total = number(0)
        # backwards: the last window is that of which this cell is the first
        for out_d in range(last_d, first_d - 1, -1):
            deep = _counted(g, 0, out_d, include_padding)
            for out_h in range(last_h, first_h - 1, -1):
                area = deep * _counted(g, 1, out_h, include_padding)
                for out_w in range(last_w, first_w - 1, -1):
                    count = area * _counted(g, 2, out_w, include_padding)
                    total += dy[n, out_d, out_h, out_w] / number(count)
        dx[n, d, h, w] = total
