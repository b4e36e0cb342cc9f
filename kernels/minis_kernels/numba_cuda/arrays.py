"""Which arrays the kernels here serve, and where their results are made."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from ..geometry import extended
from .launch import SIMULATED


def namespace(x: Any) -> ModuleType | None:
    """Return the module that makes arrays beside `x`: CuPy, or NumPy in the simulator.

    None if the kernels can't serve an array of this kind.
    """
    if SIMULATED:
        return np if isinstance(x, np.ndarray) else None
    return sys.modules["cupy"] if type(x).__module__.partition(".")[0] == "cupy" else None


def servable(*arrays: Any) -> bool:
    """Whether all are arrays of one place and one floating dtype, none empty."""
    return all(
        namespace(a) is not None
        and a.dtype in (np.float32, np.float64)
        and a.dtype == arrays[0].dtype
        and a.size > 0
        for a in arrays
    )


def empty(shape: tuple[int, ...], beside: Any, dtype: Any = None) -> Any:
    """Return a new array beside another, of its dtype unless one is given."""
    xp = namespace(beside)
    assert xp is not None
    return xp.empty(shape, beside.dtype if dtype is None else dtype)


def contiguous(a: Any) -> Any:
    """Return `a` itself, or a contiguous copy of it where it is not."""
    xp = namespace(a)
    assert xp is not None
    return xp.ascontiguousarray(a)


def with_three_axes(a: Any) -> Any:
    """View (N, C, *S), copied if it is not contiguous, as (N, C, D, H, W)."""
    return contiguous(a).reshape(*a.shape[:2], *extended(a.shape[2:]))
