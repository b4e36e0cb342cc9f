"""Transposed convolution: the kernels of `conv` with their roles swapped.

The output is a convolution's dx, the gradient of the input is that convolution's forward, and the
gradient of the filters is its dw with x and dy exchanged.
"""

from __future__ import annotations

from typing import Any

from ..conv_arguments import transposed_convolution
from ..geometry import Geometry
from .arrays import servable, with_three_axes
from .conv import adjoint, forward, sum_over_pixels
from .weight_gradient import weight_gradient


def conv_transpose(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Apply a convolution's adjoint: `minis.ops.conv_transpose`."""
    g = _served(x, w, stride, padding, output_padding, dilation, groups)
    outputs = w.shape[1] * groups
    if g is None or (b is not None and (not servable(x, b) or b.shape != (outputs,))):
        return NotImplemented
    y = adjoint(x, w, b, g, groups)
    return y.reshape(len(x), outputs, *g.size[5 - x.ndim :])


def conv_transpose_backward(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Gradients of `conv_transpose`: `minis.ops.conv_transpose_backward`."""
    g = _served(x, w, stride, padding, output_padding, dilation, groups)
    if g is None or not servable(x, dy):
        return NotImplemented
    if dy.shape != (len(x), w.shape[1] * groups, *g.size[5 - x.ndim :]):
        return NotImplemented
    dx = forward(dy, w, None, g, groups).reshape(x.shape)
    dy = with_three_axes(dy)
    dw = weight_gradient(with_three_axes(x), dy, g, groups).reshape(w.shape)
    return dx, dw, sum_over_pixels(dy)


def _served(
    x: Any,
    w: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
    groups: int,
) -> Geometry | None:
    """Return the sizes of the convolution from y to x, or None if the kernels don't serve it."""
    if not servable(x, w):
        return None
    return transposed_convolution(x, w, stride, padding, output_padding, dilation, groups)
