"""Strategies that draw arrays: their shape from the caller, their values and layout from here.

Values are small integers half of the time: sums of them are exact, ties and zeros occur, and a
failing case is easy to read. Hypothesis shrinks towards them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

LAYOUTS = ("contiguous", "reversed", "transposed", "strided")


def dtypes() -> st.SearchStrategy[str]:
    """Draw a floating dtype's name."""
    return st.sampled_from(["float64", "float32"])


def generators() -> st.SearchStrategy[np.random.Generator]:
    """Draw a seeded random generator."""
    return st.integers(0, 2**16).map(np.random.default_rng)


@st.composite
def arrays(
    draw: st.DrawFn, shape: tuple[int, ...], dtype: str, *, low: int = -4, high: int = 4
) -> Any:
    """Draw a floating array: integers in low … high, or normally distributed values.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    dtype : {"float32", "float64"}
        Its dtype.
    low, high : int
        Range of the integers. Normal values are clipped to it.

    Returns
    -------
    strategy of array
        In one of four memory layouts.
    """
    rng = draw(generators())
    if draw(st.booleans()):
        values = np.clip(rng.standard_normal(shape), low, high)
    else:
        values = rng.integers(low, high + 1, shape)
    return lay_out(np.asarray(values, dtype), draw(st.sampled_from(LAYOUTS)))


def lay_out(a: Any, layout: str) -> Any:
    """Return an equal array whose memory is ordered otherwise.

    Examples
    --------
    >>> lay_out(np.arange(3.0), "reversed").strides
    (-8,)
    """
    if layout == "reversed" and a.ndim:
        return np.ascontiguousarray(a[..., ::-1])[..., ::-1]
    if layout == "transposed":
        return np.asfortranarray(a)
    if layout == "strided" and a.ndim:
        wide = np.zeros((*a.shape[:-1], 2 * a.shape[-1]), a.dtype)
        wide[..., ::2] = a
        return wide[..., ::2]
    return np.ascontiguousarray(a)


@st.composite
def shapes(draw: st.DrawFn, *, least: int = 0, most: int = 3) -> tuple[int, ...]:
    """Draw a small shape (N, C, *spatial) of `least` to `most` spatial axes; N may be 0."""
    axes = draw(st.integers(least, most))
    n, c = draw(st.sampled_from([2, 3, 1, 2, 3, 1, 2, 0])), draw(st.sampled_from([2, 3, 1]))
    return (n, c, *(draw(st.integers(1, 5 - axes)) for _ in range(axes)))


def per_axis(axes: int, values: st.SearchStrategy[int]) -> st.SearchStrategy[Any]:
    """Draw one int for all spatial axes, or a tuple with one for each."""
    return values | st.tuples(*(values for _ in range(axes)))


def spread(value: Any, axes: int) -> tuple[int, ...]:
    """Turn an int, or a tuple of `axes` ints, into the tuple."""
    return (value,) * axes if isinstance(value, int) else tuple(value)
