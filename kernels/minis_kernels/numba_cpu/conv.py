"""Convolution and its gradients: which kernel serves them, and how.

    forward  `winograd`, `phases`, `depthwise` or `direct`, as `choice` decides
    dx       the adjoint: the same four, with the roles of channels and outputs exchanged
    dw       `weight_gradient`
    db       the sum of dy over pixels

The NumPy text unfolds windows into columns and multiplies; no kernel here does. Each of them
says what it does instead and what that bought. None of them calls a BLAS, whose threads would
compete with Numba's.

Work is cut by shapes alone and every sum has one order: results don't depend on the number of
threads. A value that is not finite reaches, with Winograd, all outputs of its tiles of 4 × 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..conv_arguments import convolution
from ..geometry import Geometry
from . import depthwise, direct, phases, winograd
from .arrays import servable, with_three_axes
from .choice import algorithm
from .jit import jit
from .launch import launch
from .weight_gradient import weight_gradient


def conv(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolve: `minis.ops.conv`."""
    g = _served(x, w, stride, padding, dilation, groups)
    if g is None or (b is not None and (not servable(x, b) or b.shape != (len(w),))):
        return NotImplemented
    y = forward(x, w, b, g, groups)
    return y.reshape(*y.shape[:2], *g.out[5 - x.ndim :])  # without the axes added in front


def conv_backward(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Gradients of a convolution: `minis.ops.conv_backward`."""
    g = _served(x, w, stride, padding, dilation, groups)
    if g is None or not servable(x, dy) or dy.shape != (len(x), len(w), *g.out[5 - x.ndim :]):
        return NotImplemented
    dx = adjoint(dy, w, None, g, groups).reshape(x.shape)
    dy = with_three_axes(dy)
    dw = weight_gradient(dy, with_three_axes(x), g, groups).reshape(w.shape)
    return dx, dw, sum_over_pixels(dy)


def forward(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Convolve x with w (O, C/groups, *k), adding b (O,) if given: (N, O, D, H, W)."""
    x, w = with_three_axes(x), with_three_axes(w)
    bias = np.zeros(len(w), x.dtype) if b is None else np.ascontiguousarray(b)
    how = algorithm(w.shape[1], len(w), g, groups)
    if how == "winograd":
        return winograd.convolve(x, w, bias, g.padding, False)
    if how == "phases":
        return phases.convolve(x, w, bias, g.padding, g, g.out, False)
    if how == "depthwise":
        return depthwise.convolve(x, w, bias, g.padding, g.dilation, g.out, False)
    return direct.convolve(x, w, bias, g, groups)


def adjoint(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Apply the adjoint of `forward` to x (N, O, *out), adding b (C,) if given."""
    x, w = with_three_axes(x), with_three_axes(w)
    bias = np.zeros(w.shape[1] * groups, x.dtype) if b is None else np.ascontiguousarray(b)
    reach = zip(g.kernel, g.dilation, g.padding, strict=True)
    padding = tuple((k - 1) * d - p for k, d, p in reach)
    how = algorithm(len(w), w.shape[1], g, groups)
    if how == "winograd":
        return winograd.convolve(x, w, bias, padding, True)  # type: ignore[arg-type]
    if how == "phases":
        return phases.convolve(x, w, bias, padding, g, g.size, True)
    if how == "depthwise":
        return depthwise.convolve(x, w, bias, padding, g.dilation, g.size, True)
    return direct.convolve_transposed(x, w, bias, g, groups)


def sum_over_pixels(dy: Any) -> Any:
    """Return the sum over samples and pixels: (C,)."""
    planes = np.empty(dy.shape[:2])
    launch(_sum_planes, dy, planes)
    return planes.sum(axis=0).astype(dy.dtype)


@jit(parallel=True, fastmath={"reassoc", "nsz"})
def _sum_planes(dy: Any, planes: Any) -> None:
    n, c, depth, height, width = dy.shape
    for plane in prange(n * c):
        total = 0.0
        for line in range(depth * height):
            values = dy[plane // c, plane % c, line // height, line % height]
            part = dy.dtype.type(0)
            for i in range(width):
                part += values[i]
            total += part
        planes[plane // c, plane % c] = total


def _served(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Geometry | None:
    return convolution(x, w, stride, padding, dilation, groups) if servable(x, w) else None
