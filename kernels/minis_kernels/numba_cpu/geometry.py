"""The sizes of a convolution, always with three spatial axes, and whether a kernel serves it.

One and two axes are three of which the first are of length 1: a single compiled kernel serves all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .launch import can_launch

ThreeAxes = tuple[int, int, int]


LARGEST = 1 << 31  # option; products of larger ones could overflow


class Geometry(NamedTuple):
    """One convolution from (N, C, *S) to (N, O, *o) with filters (O, C, *k)."""

    size: ThreeAxes  # S
    kernel: ThreeAxes  # k
    out: ThreeAxes  # o
    stride: ThreeAxes
    padding: ThreeAxes
    dilation: ThreeAxes


def servable(*arrays: Any) -> bool:
    """Whether all are NumPy arrays of one floating dtype, none empty, and kernels can run."""
    return can_launch() and all(
        isinstance(a, np.ndarray)
        and a.dtype in (np.float32, np.float64)
        and a.dtype == arrays[0].dtype
        and a.size > 0
        for a in arrays
    )


def conv_geometry(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any
) -> Geometry | None:
    """Return the sizes of a convolution, or None if its options are malformed or don't fit."""
    options = three_axes(len(size), stride, padding, dilation, low=(1, 0, 1))
    if options is None or len(kernel) != len(size):
        return None
    s, p, d = options
    large, taps = _extended(size), _extended(kernel)
    out = tuple((large[a] + 2 * p[a] - d[a] * (taps[a] - 1) - 1) // s[a] + 1 for a in range(3))
    if min(out) < 1:
        return None
    return Geometry(large, taps, out, s, p, d)  # type: ignore[arg-type]


def three_axes(axes: int, *options: Any, low: tuple[int, ...]) -> list[ThreeAxes] | None:
    """Spread each option to three axes, or return None if one is malformed or too small."""
    spread = []
    for value, least in zip(options, low, strict=True):
        values = (value,) * axes if type(value) is int else value
        if not isinstance(values, tuple) or len(values) != axes:
            return None
        if not all(type(v) is int and least <= v < LARGEST for v in values):
            return None
        neutral = 1 if least == 1 else 0
        spread.append((neutral,) * (3 - axes) + values)
    return spread  # type: ignore[return-value]


def _extended(size: tuple[int, ...]) -> ThreeAxes:
    return (1,) * (3 - len(size)) + tuple(size)  # type: ignore[return-value]


def with_three_axes(a: Any) -> Any:
    """View (N, C, *S) as a contiguous (N, C, D, H, W)."""
    return np.ascontiguousarray(a).reshape(*a.shape[:2], *_extended(a.shape[2:]))


def lines_apart(numbers: int, itemsize: int) -> int:
    """Return the least distance, in numbers, that is an odd number of cache lines.

    Rows a power of two apart would all fall into one set of the cache.

    Examples
    --------
    >>> lines_apart(64, 4), lines_apart(70, 4)
    (80, 80)
    """
    lines = -(-numbers * itemsize // 64) | 1
    return lines * 64 // itemsize
