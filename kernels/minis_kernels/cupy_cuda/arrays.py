"""Which arrays the kernels here serve, and where their results are made."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np

from .program import emulating


def namespace(x: Any) -> ModuleType | None:
    """Return the module that makes arrays beside `x`: CuPy, or NumPy where the GPU is emulated.

    None if the kernels can't serve an array of this kind.
    """
    if type(x).__module__.partition(".")[0] == "cupy":
        return sys.modules["cupy"]
    return np if emulating() and isinstance(x, np.ndarray) else None


def servable(*arrays: Any) -> bool:
    """Whether all are arrays of one place and one floating dtype, none empty."""
    xp = namespace(arrays[0])
    return xp is not None and all(
        namespace(a) is xp
        and a.dtype in (np.float32, np.float64)
        and a.dtype == arrays[0].dtype
        and a.size > 0
        for a in arrays
    )


def contiguous(a: Any) -> Any:
    """Return `a` itself, or a contiguous copy of it where it is not."""
    xp = namespace(a)
    assert xp is not None
    return xp.ascontiguousarray(a)
