"""What the losses share: the gradient that comes from above, and how many blocks sum a loss."""

from __future__ import annotations

from typing import Any

from ..arguments import scalar
from .arrays import namespace
from .grid import THREADS, blocks_for
from .rows import MANY


def upstream(dloss: Any) -> tuple[float, Any] | None:
    """Return the gradient of a loss as a number and an array of one number, or None.

    A number that lies on the GPU stays there, for the kernel to read: the array is that number,
    the other factor 1. Elsewhere there is no array.
    """
    if namespace(dloss) is not None:
        if dloss.ndim != 0 or dloss.dtype.kind not in "fiu":
            return None
        return 1.0, dloss.astype("float64").reshape(1)
    value = scalar(dloss)
    return None if value is None else (value, None)


def blocks_to_sum(count: int, numbers: int = 1) -> int:
    """How many blocks go over `count` things, so that no thread sums more than 64 numbers.

    Parameters
    ----------
    count : int
        Things; one may stand for several numbers.
    numbers : int
        How many of them.
    """
    return max(blocks_for(count), -(-count * numbers // (THREADS * MANY)))
