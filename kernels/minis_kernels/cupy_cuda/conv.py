"""Convolution and its gradients on the GPU: which kernel serves them.

    forward  `gather`
    dx       the adjoint: `gather` with the adjoint's plan
    dw       `weight_gradient`
    db       the sum of dy over pixels

float32 is computed in what `minis.gpu_precision` allows, float64 as it is. Every sum has one order
that follows from the shapes and the GPU: no atomics.
"""

from __future__ import annotations

from typing import Any

from ..conv_arguments import convolution
from ..geometry import Geometry
from .arrays import contiguous, servable
from .conv_plan import adjoint_plan, forward_plan
from .conv_sums import sum_over_pixels
from .conv_weights import filters
from .gather import gather
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
    if not servable(x, w) or (b is not None and (not servable(x, b) or b.shape != (len(w),))):
        return NotImplemented
    g = convolution(x, w, stride, padding, dilation, groups)
    return NotImplemented if g is None else forward(x, w, b, g, groups)


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
    if not servable(x, w, dy):
        return NotImplemented
    g = convolution(x, w, stride, padding, dilation, groups)
    if g is None or dy.shape != (len(x), len(w), *g.out[5 - x.ndim :]):
        return NotImplemented
    return gradients(adjoint(dy, w, None, g, groups), dy, dy, x, w, g, groups)


def gradients(dx: Any, summed: Any, dy: Any, x: Any, w: Any, g: Geometry, groups: int) -> Any:
    """Return dx, dw and db, the sum of `summed`; decline where dx or dw was declined."""
    if dx is NotImplemented:
        return NotImplemented
    dw = weight_gradient(contiguous(dy), contiguous(x), w, g, groups)
    return NotImplemented if dw is NotImplemented else (dx, dw, sum_over_pixels(contiguous(summed)))


def forward(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Convolve x (N, C, *S) with w (O, C/groups, *k), adding b (O,) if given."""
    sizes = g, len(x), groups, w.shape[1], len(w) // groups
    given = contiguous(x), filters(contiguous(w), groups, False), _bias(b)
    return _without_extra_axes(gather(*given, forward_plan, *sizes), x)


def adjoint(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Apply the adjoint of `forward` to x (N, O, *out), adding b (C,) if given."""
    sizes = g, len(x), groups, len(w) // groups, w.shape[1]
    given = contiguous(x), filters(contiguous(w), groups, True), _bias(b)
    return _without_extra_axes(gather(*given, adjoint_plan, *sizes), x)


def _bias(b: Any) -> Any:
    return None if b is None else contiguous(b)


def _without_extra_axes(y: Any, like: Any) -> Any:
    return y if y is NotImplemented else y.reshape(*y.shape[:2], *y.shape[7 - like.ndim :])
