"""The registry of kernels: which implementation serves which operation on which backend.

A kernel has the name and the signature of a function of `minis.ops`, takes arrays and returns
arrays, and knows nothing of `minis`. It returns `NotImplemented` for arguments that it does not
serve: the caller then runs the NumPy text, which also words the error where they are malformed.

A kernel's module is imported when the kernel is first asked for, never before.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

# backend -> operation -> the module that holds a function of the operation's name
KERNELS: dict[str, dict[str, str]] = {
    "numba": {
        "conv": "minis_kernels.numba_cpu.conv",
        "conv_backward": "minis_kernels.numba_cpu.conv",
        "conv_transpose": "minis_kernels.numba_cpu.conv_transpose",
        "conv_transpose_backward": "minis_kernels.numba_cpu.conv_transpose",
    },
    "numba-cuda": {},
    "cupy": {},
}


@functools.cache
def find(backend: str, operation: str) -> Callable[..., Any] | None:
    """Return the kernel that `backend` has for `operation`, or None.

    Parameters
    ----------
    backend : {"numba", "numba-cuda", "cupy"}
        The backend.
    operation : str
        Name of a function of `minis.ops`.

    Returns
    -------
    callable or None
        The kernel, imported now if this is its first use.

    Raises
    ------
    ValueError
        If there is no such backend.

    Examples
    --------
    >>> find("numba", "no such operation") is None
    True
    """
    if backend not in KERNELS:
        raise ValueError(f"no backend {backend!r}; there are {', '.join(KERNELS)}")
    module = KERNELS[backend].get(operation)
    if module is None:
        return None
    kernel: Callable[..., Any] = getattr(importlib.import_module(module), operation)
    return kernel
