"""Buffers that a kernel needs for the length of one call, kept for the next.

A fresh array of several megabytes comes from the system page by page, each cleared when it is first
touched: for 3×3 filters on 64 channels at 256² that took a third of the time. So the buffers are
kept. They belong to whoever holds `launch.exclusive`, for as long as that is held. One larger than
`LARGEST` is not kept.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LARGEST = 8 << 20  # bytes

_kept: dict[str, Any] = {}


def scratch(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return an array, not initialised, that shares memory with the last one of this name.

    Parameters
    ----------
    name : str
        What it is for; two arrays in use at the same time have two names.
    shape : tuple of int
        Its shape.
    dtype : dtype
        Its dtype.

    Returns
    -------
    C-contiguous array

    Examples
    --------
    >>> a = scratch("columns", (3, 4), np.float32)
    >>> np.shares_memory(a, scratch("columns", (2, 2), np.float64))
    True
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if size > LARGEST:
        return np.empty(shape, dtype)
    buffer = _kept.get(name)
    if buffer is None or buffer.nbytes < size:
        buffer = _kept[name] = np.empty(size, np.uint8)
    return buffer[:size].view(dtype).reshape(shape)
