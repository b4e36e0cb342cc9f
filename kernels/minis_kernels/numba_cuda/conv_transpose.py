"""Transposed convolution: the kernels of `conv` with their roles exchanged.

The output is a convolution's dx, the gradient of the input is that convolution's forward, and the
gradient of the filters is its dw with x and dy exchanged.
"""

from __future__ import annotations

from typing import Any

from .arrays import servable
from .conv import adjoint, forward, weight_gradient
from .conv_gradients import bias_gradient
from .conv_sizes import conv_transpose_sizes, with_bias, zero_bias


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
    g = conv_transpose_sizes(x, w, stride, padding, output_padding, dilation, groups)
    if g is None:
        return NotImplemented
    return with_bias(adjoint, x, w, b, w.shape[1] * groups, g, groups)


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
    g = conv_transpose_sizes(x, w, stride, padding, output_padding, dilation, groups)
    if g is None or not servable(x, dy):
        return NotImplemented
    if dy.shape != (len(x), w.shape[1] * groups, *g.size[5 - x.ndim :]):
        return NotImplemented
    dx = forward(dy, w, zero_bias(len(w), x), g, groups).reshape(x.shape)
    dw = weight_gradient(x, dy, g, groups).reshape(w.shape)
    return dx, dw, bias_gradient(dy)
