"""The sizes of a pooling, always with three spatial axes."""

from __future__ import annotations

from typing import Any

from .geometry import Geometry, three_axes


def pool_geometry(
    size: tuple[int, ...], window: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: Any
) -> Geometry | None:
    """Return the sizes of a pooling, or None if its options are malformed or don't fit."""
    if not isinstance(ceil_mode, bool):
        return None
    stride = window if stride is None else stride
    options = three_axes(len(size), window, stride, padding, dilation, low=(1, 1, 0, 1))
    if options is None:
        return None
    k, s, p, d = options
    large = (1,) * (3 - len(size)) + tuple(size)
    axes = [(large[a], k[a], s[a], p[a], d[a]) for a in range(3)]
    out = tuple(_windows_that_fit(*axis, ceil_mode) for axis in axes)
    if min(out) < 1 or any(_lies_in_the_padding(*axes[a], out[a]) for a in range(3)):
        return None
    steps = tuple(s[a] if out[a] > 1 else 1 for a in range(3))  # a lone window takes none
    return Geometry(large, k, out, steps, p, d)  # type: ignore[arg-type]


def are_sizes(sizes: Any, axes: int) -> bool:
    """Whether it is a tuple of so many ints, none below 1."""
    return (
        isinstance(sizes, tuple)
        and len(sizes) == axes
        and all(type(s) is int and s > 0 for s in sizes)
    )


def _windows_that_fit(i: int, k: int, s: int, p: int, d: int, ceil: bool) -> int:
    extent = d * (k - 1) + 1
    room = i + 2 * p - extent
    if 2 * p > extent:
        return 0  # more padding than is allowed
    out = (-(-room // s) if ceil else room // s) + 1
    # the last window must begin inside x or in the padding before it
    return out - 1 if ceil and (out - 1) * s >= i + p else out


def _lies_in_the_padding(i: int, k: int, s: int, p: int, d: int, out: int) -> bool:
    """Whether a window has no cell inside x: one before it, or the last."""
    starts = [o * s - p for o in (*range(min(out, -(-p // s))), out - 1)]
    return any(start + d * -(-max(-start, 0) // d) >= i for start in starts)
