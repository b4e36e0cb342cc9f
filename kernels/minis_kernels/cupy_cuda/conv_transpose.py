"""Transposed convolution on the GPU: the kernels of `conv` with their roles swapped.

The output is a convolution's dx, the gradient of the input is that convolution's forward, and the
gradient of the filters is its dw with x and dy exchanged.
"""

from __future__ import annotations

from typing import Any

from ..conv_arguments import transposed_convolution
from .arrays import servable
from .conv import adjoint, forward, gradients


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
    if not servable(x, w) or (b is not None and not servable(x, b)):
        return NotImplemented
    g = transposed_convolution(x, w, stride, padding, output_padding, dilation, groups)
    if g is None or (b is not None and b.shape != (w.shape[1] * groups,)):
        return NotImplemented
    return adjoint(x, w, b, g, groups)


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
    if not servable(x, w, dy):
        return NotImplemented
    g = transposed_convolution(x, w, stride, padding, output_padding, dilation, groups)
    if g is None or dy.shape != (len(x), w.shape[1] * groups, *g.size[5 - x.ndim :]):
        return NotImplemented
    return gradients(forward(dy, w, None, g, groups), dy, x, dy, w, g, groups)
