"""Reading the arguments of a convolution and of its transpose; the malformed are declined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..conv_arguments import convolution, transposed_convolution
from ..geometry import Geometry
from .arrays import contiguous, namespace, servable


def conv_sizes(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Geometry | None:
    """Return the sizes of a convolution, or None if the kernels don't serve it."""
    if not servable(x, w):
        return None
    return convolution(x, w, stride, padding, dilation, groups)


def conv_transpose_sizes(
    x: Any, w: Any, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: Any
) -> Geometry | None:
    """Return the sizes of the convolution from y to x, or None if the kernels don't serve it."""
    if not servable(x, w):
        return None
    return transposed_convolution(x, w, stride, padding, output_padding, dilation, groups)


def with_bias(
    forward: Callable[[Any, Any, Any, Geometry, int], Any],
    x: Any,
    w: Any,
    b: Any,
    outputs: int,
    g: Geometry,
    groups: int,
) -> Any:
    """Return `forward(x, w, b, g, groups)`, b being zeros if it is None; decline another b."""
    if b is not None and (not servable(x, b) or b.shape != (outputs,)):
        return NotImplemented
    bias = zero_bias(outputs, x) if b is None else contiguous(b)
    y = forward(x, w, bias, g, groups)
    return y.reshape(*y.shape[:2], *y.shape[7 - x.ndim :])  # without the axes added in front


def zero_bias(outputs: int, beside: Any) -> Any:
    """Return the bias of a convolution that has none."""
    xp = namespace(beside)
    assert xp is not None
    return xp.zeros(outputs, beside.dtype)
