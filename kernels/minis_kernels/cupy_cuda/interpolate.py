"""Resizing on the GPU, by the kernels of `sources/interpolate.cu`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..geometry import extended
from ..pool_geometry import are_sizes
from .arrays import namespace, servable
from .packs import width
from .planes import LARGEST, fits, over_planes, planes_of
from .program import Program

PROGRAM = Program("interpolate.cu")
WARP = 32
MANY = 16  # outputs that read an input, along the last axis: they keep most of a warp busy


def interpolate(x: Any, size: Any, *, mode: str = "nearest", align_corners: bool = False) -> Any:
    """Resize the spatial axes: `minis.ops.interpolate`."""
    if not _may_interpolate(x, mode, align_corners):
        return NotImplemented
    axes = x.ndim - 2
    size = (size,) * axes if type(size) is int else size
    if not are_sizes(size, axes) or not fits(size, x.shape[2:]):
        return NotImplemented
    x, planes, inputs = planes_of(x)
    y = namespace(x).empty((*x.shape[:2], *size), x.dtype)  # type: ignore[union-attr]
    pack = 2 if mode == "linear" else width(x)
    layout = over_planes(math.prod(size) // (pack if size[-1] % pack == 0 else 1), planes)
    options = (axes, align_corners) if mode == "linear" else ()
    run = PROGRAM.kernel(f"interpolate_{mode}", x.dtype)
    run(*layout, x, y, planes, *inputs, *extended(size), *options)
    return y


def interpolate_backward(
    dy: Any, input_shape: Any, *, mode: str = "nearest", align_corners: bool = False
) -> Any:
    """Gradient of resizing: `minis.ops.interpolate_backward`.

    A non-finite value of dy reaches the inputs that it was computed from, and no others along their
    axes.
    """
    if not _may_interpolate(dy, mode, align_corners) or not are_sizes(input_shape, dy.ndim):
        return NotImplemented
    if dy.shape[:2] != input_shape[:2] or not fits(input_shape[2:], dy.shape[2:]):
        return NotImplemented
    dy, planes, out = planes_of(dy)
    xp, size, linear = namespace(dy), extended(input_shape[2:]), mode == "linear"
    assert xp is not None
    begin, share = xp.empty(sum(size) + 3, np.int32), xp.empty(sum(out), dy.dtype)
    dx = xp.empty(input_shape, dy.dtype)
    find = PROGRAM.kernel("find_readers", dy.dtype)
    find(*over_planes(sum(out), 1), begin, share, *size, *out, linear, align_corners)
    name, threads = "interpolate_backward", math.prod(size)
    if out[2] >= MANY * size[2] and threads * WARP <= LARGEST:
        name, threads = "interpolate_backward_by_warps", threads * WARP
    run = PROGRAM.kernel(name, dy.dtype)
    run(*over_planes(threads, planes), dy, begin, share, dx, planes, *size, *out, linear)
    return dx


def _may_interpolate(a: Any, mode: Any, align_corners: Any) -> bool:
    return (
        servable(a)
        and 3 <= a.ndim <= 5
        and isinstance(mode, str)
        and mode in ("nearest", "linear")
        and isinstance(align_corners, bool)
    )
