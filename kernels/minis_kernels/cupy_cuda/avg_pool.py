"""Average pooling on the GPU, by the kernels of `sources/avg_pool.cu`."""

from __future__ import annotations

import math
from typing import Any

from ..geometry import Geometry
from ..pool_geometry import are_sizes, pool_geometry
from .arrays import namespace, servable
from .max_pool import by_pairs, servable_geometry
from .packs import width
from .planes import LARGEST, over_planes, planes_of
from .program import Program

PROGRAM = Program("avg_pool.cu")
WARP = 32
LONG = 16  # cells of a window's row that keep most of a warp busy


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
    if g is None or not servable_geometry(g):
        return NotImplemented
    x, planes, _ = planes_of(x)
    y = _empty(x, (*x.shape[:2], *g.out[5 - x.ndim :]))
    windows = math.prod(g.out)
    if _covered_by_pairs(g, x):
        run, layout = "avg_pool_by_pairs", over_planes(windows // width(x), planes)
        sizes: tuple[Any, ...] = g.out[1:]
    elif g.kernel[2] >= LONG and windows * WARP <= LARGEST:
        run, layout = "avg_pool_by_warps", over_planes(windows * WARP, planes)
        sizes = (count_include_pad, *_numbers(g))
    else:
        run, layout = "avg_pool", over_planes(windows, planes)
        sizes = (count_include_pad, *_numbers(g))
    PROGRAM.kernel(run, x.dtype)(*layout, x, y, planes, *sizes)
    return y


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
    if g is None or not servable_geometry(g):
        return NotImplemented
    if dy.shape != (*input_shape[:2], *g.out[5 - dy.ndim :]):
        return NotImplemented
    dy, planes, _ = planes_of(dy)
    dx = _empty(dy, input_shape)
    if _covered_by_pairs(g, dy):
        layout = over_planes(math.prod(g.out) // width(dy), planes)
        run = PROGRAM.kernel("avg_pool_backward_by_pairs", dy.dtype)
        run(*layout, dy, dx, planes, *g.out[1:])
    else:
        layout = over_planes(math.prod(g.size), planes)
        run = PROGRAM.kernel("avg_pool_backward", dy.dtype)
        run(*layout, dy, dx, planes, count_include_pad, *_numbers(g))
    return dx


def _empty(beside: Any, shape: tuple[int, ...]) -> Any:
    xp = namespace(beside)
    assert xp is not None
    return xp.empty(shape, beside.dtype)


def _numbers(g: Geometry) -> list[int]:
    """Size, kernel, out, stride and padding, as the kernels take them."""
    return [number for axes in g[:5] for number in axes]


def _covered_by_pairs(g: Geometry, a: Any) -> bool:
    """Whether windows are pairs of rows and columns, and no cell of a plane is left over."""
    return (
        by_pairs(g, a)
        and g.size[0] == g.kernel[0] == 1
        and g.size[1:] == (2 * g.out[1], 2 * g.out[2])
    )
