"""Max pooling on the GPU, by the kernels of `sources/max_pool.cu` and `sources/unpooling.cu`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..geometry import Geometry
from ..pool_geometry import are_sizes, pool_geometry
from .arrays import namespace, servable
from .packs import aligned, width
from .planes import LARGEST, fits, over_planes, planes_of
from .program import Program
from .unpooling import are_indices, scatter

PROGRAM = Program("max_pool.cu")


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
    if g is None or not servable_geometry(g):
        return NotImplemented
    x, planes, _ = planes_of(x)
    xp = namespace(x)
    y = xp.empty((*x.shape[:2], *g.out[5 - x.ndim :]), x.dtype)  # type: ignore[union-attr]
    indices = xp.empty(y.shape, np.int64)  # type: ignore[union-attr]
    if g.dilation[1:] == (1, 1) and by_pairs(g, x):
        layout = over_planes(math.prod(g.out) // width(x), planes)
        along_first = g.kernel[0], *g.out, g.stride[0], g.dilation[0]
        run = PROGRAM.kernel("max_pool_by_pairs", x.dtype)
        run(*layout, x, y, indices, planes, *g.size, *along_first)
    else:
        layout = over_planes(math.prod(g.out), planes)
        run = PROGRAM.kernel("max_pool", x.dtype)
        run(*layout, x, y, indices, planes, *(number for axes in g for number in axes))
    return y, indices


def max_pool_backward(dy: Any, indices: Any, input_shape: Any) -> Any:
    """Gradient of max pooling, its last bits may vary: `minis.ops.max_pool_backward`.

    An index outside its plane is not an error here, which would cost a synchronisation: the first
    cell of that plane becomes NaN. Sums vary where three or more windows share a maximum.
    """
    if not servable(dy) or not 3 <= dy.ndim <= 5 or not are_indices(indices, dy):
        return NotImplemented
    if not are_sizes(input_shape, dy.ndim) or input_shape[:2] != dy.shape[:2]:
        return NotImplemented
    if indices.shape != dy.shape or not fits(input_shape[2:], dy.shape[2:]):
        return NotImplemented
    return scatter(dy, indices, input_shape[2:], adding=True)


def servable_geometry(g: Geometry) -> bool:
    """Whether places in x, y and all windows fit in 32 bits."""
    return fits(g.size, g.out) and max(map(max, g)) <= LARGEST


def by_pairs(g: Geometry, a: Any) -> bool:
    """Whether windows are 2 × 2 and 2 apart, all inside x, and rows can be gone over in packs.

    Parameters
    ----------
    g : Geometry
    a : array
        What is read: x or, by the gradient, dy.
    """
    pack = width(a)
    reach = (g.out[0] - 1) * g.stride[0] + g.dilation[0] * (g.kernel[0] - 1)
    return (
        g.kernel[1:] == (2, 2)
        and all(s == 2 or o == 1 for s, o in zip(g.stride[1:], g.out[1:], strict=True))
        and g.padding == (0, 0, 0)
        and 2 * g.out[1] <= g.size[1]
        and 2 * g.out[2] <= g.size[2]
        and reach < g.size[0]
        and g.size[2] % pack == g.out[2] % pack == 0
        and aligned(a)
    )
