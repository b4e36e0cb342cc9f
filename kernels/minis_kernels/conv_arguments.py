"""Reading the arguments of a convolution and of its transpose; whatever is malformed is declined.

The arrays' dtypes and places are not looked at: that is each backend's own matter.
"""

from __future__ import annotations

from typing import Any

from .geometry import Geometry, conv_geometry, three_axes


def convolution(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Geometry | None:
    """Return the sizes of a convolution, or None if its arguments don't fit together."""
    if not _fit(x, w, groups) or x.shape[1] != w.shape[1] * groups:
        return None
    return conv_geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)


def transposed_convolution(
    x: Any, w: Any, stride: Any, padding: Any, output_padding: Any, dilation: Any, groups: Any
) -> Geometry | None:
    """Return the sizes of the convolution from y to x, or None if the arguments don't fit."""
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


def _fit(x: Any, w: Any, groups: Any) -> bool:
    if not 3 <= x.ndim <= 5 or w.ndim != x.ndim or type(groups) is not int:
        return False
    return groups >= 1 and len(w) % groups == 0
