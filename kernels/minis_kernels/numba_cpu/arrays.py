"""The arrays that the kernels here serve, and how they lie in memory."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..geometry import extended
from .launch import can_launch


def servable(*arrays: Any) -> bool:
    """Whether all are NumPy arrays of one floating dtype, none empty, and kernels can run."""
    return can_launch() and all(
        isinstance(a, np.ndarray)
        and a.dtype in (np.float32, np.float64)
        and a.dtype == arrays[0].dtype
        and a.size > 0
        for a in arrays
    )


def with_three_axes(a: Any) -> Any:
    """View (N, C, *S) as a contiguous (N, C, D, H, W)."""
    return np.ascontiguousarray(a).reshape(*a.shape[:2], *extended(a.shape[2:]))


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
