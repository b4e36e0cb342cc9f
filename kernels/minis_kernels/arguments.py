"""Reading the plain arguments of an operation; whatever is malformed is declined."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def number(value: Any, low: float = -math.inf, high: float = math.inf) -> float | None:
    """Return a real number with low ≤ value ≤ high as a float, or None.

    Examples
    --------
    >>> number(np.float32(0.5), low=0)
    0.5
    >>> number(True), number("1"), number(-1, low=0), number(math.nan)
    (None, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    return float(value) if low <= value <= high else None


def scalar(value: Any) -> float | None:
    """Return a number, NaN too, or an array of no axes as a float, or None.

    Examples
    --------
    >>> scalar(np.array(2.0)), scalar(np.array([2.0]))
    (2.0, None)
    """
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "fiu":
        return float(value)
    plain = isinstance(value, int | float | np.integer | np.floating)
    return float(value) if plain else None


def numbers(*values: Any) -> list[float] | None:
    """Read several real numbers as floats, or return None if one is malformed.

    Examples
    --------
    >>> numbers(1, 0.5), numbers(1, "half")
    ([1.0, 0.5], None)
    """
    found = [number(value) for value in values]
    return None if None in found else found  # type: ignore[return-value]
