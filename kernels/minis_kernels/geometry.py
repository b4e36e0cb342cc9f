"""The sizes of a convolution, always with three spatial axes.

One and two axes are three of which the first are of length 1: a single compiled kernel serves all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

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


def conv_geometry(
    size: tuple[int, ...], kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any
) -> Geometry | None:
    """Return the sizes of a convolution, or None if its options are malformed or don't fit."""
    options = three_axes(len(size), stride, padding, dilation, low=(1, 0, 1))
    if options is None or len(kernel) != len(size):
        return None
    s, p, d = options
    large, taps = extended(size), extended(kernel)
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


def extended(size: tuple[int, ...]) -> ThreeAxes:
    """Put axes of length 1 in front, until there are three.

    Examples
    --------
    >>> extended((5, 7))
    (1, 5, 7)
    """
    return (1,) * (3 - len(size)) + tuple(size)  # type: ignore[return-value]
