"""Reading and writing 16 bytes at a time: how many numbers of arrays come in such packs.

The kernels' side of it is `sources/pack.cuh`.
"""

from __future__ import annotations

from typing import Any

BYTES = 16  # of a pack


def width(array: Any) -> int:
    """How many numbers of this array's dtype make a pack."""
    return BYTES // int(array.dtype.itemsize)


def packs(*arrays: Any) -> int:
    """Return how many packs contiguous arrays of one size and dtype begin with; None is passed by.

    None of them may begin between two packs, or there are no packs at all. What is left over at
    the end are less numbers than a pack has.
    """
    given = [a for a in arrays if a is not None]
    return given[0].size // width(given[0]) if aligned(*given) else 0


def aligned(*arrays: Any) -> bool:
    """Whether all begin at a multiple of 16 bytes."""
    return all(_address(a) % BYTES == 0 for a in arrays)


def _address(a: Any) -> int:
    # CuPy's arrays have their memory as `data`, NumPy's as `ctypes`
    return int(a.data.ptr if hasattr(a.data, "ptr") else a.ctypes.data)
