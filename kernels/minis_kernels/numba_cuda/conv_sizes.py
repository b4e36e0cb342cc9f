"""Reading the arguments of a convolution and of its transpose; the malformed are declined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..geometry import Geometry, conv_geometry, three_axes
from .arrays import contiguous, namespace, servable


def conv_sizes(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Geometry | None:
    """Return the sizes of a convolution, or None if the kernels don't serve it."""
    if not _fit(x, w, groups) or x.shape[1] != w.shape[1] * groups:
        return None
    return conv_geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)


def conv_transpose_sizes(
    x: Any, w: Any, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: Any
) -> Geometry | None:
    """Return the sizes of the convolution from y to x, or None if the kernels don't serve it."""
    if not _fit(x, w, groups) or x.shape[1] != len(w):
        return None
    options = three_axes(x.ndim - 2, stride, padding, dilation, output_padding, low=(1, 0, 1, 0))
    if options is None:
        return None
    s, p, d, extra = (option[5 - x.ndim :] for option in options)
    out = tuple(
        (x.shape[2 + a] - 1) * s[a] - 2 * p[a] + d[a] * (w.shape[2 + a] - 1) + extra[a] + 1
        for a in range(x.ndim - 2)
    )
    if min(out) < 1 or any(extra[a] >= max(s[a], d[a]) for a in range(x.ndim - 2)):
        return None
    g = conv_geometry(out, w.shape[2:], stride, padding, dilation)
    # a dilation above the stride lets the convolution find windows beyond x: keep those of x
    return None if g is None else g._replace(out=(1,) * (5 - x.ndim) + x.shape[2:])


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


def _fit(x: Any, w: Any, groups: Any) -> bool:
    if not servable(x, w) or not 3 <= x.ndim <= 5 or w.ndim != x.ndim:
        return False
    return type(groups) is int and groups >= 1 and len(w) % groups == 0
