"""Cutting arrays into pieces, and summing over them.

A piece is at most 4,096 numbers, which stay in the L1 cache while a kernel goes over them several
times. It is summed in its own precision, in the many partial sums that vector registers hold;
sums of pieces are float64. Pieces are cut by the shapes alone and added in a fixed order, so that
no sum depends on the number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

PIECE = 4096  # numbers

# What the compiler may change so that sums go through vector registers. NaN and infinity stay.
SUMS = {"reassoc", "contract", "nsz"}


def pieces(size: int) -> int:
    """Return the number of pieces of so many numbers.

    Examples
    --------
    >>> pieces(4096), pieces(4097)
    (1, 2)
    """
    return -(-size // PIECE)


def planes(x: Any) -> Any:
    """View (N, C, *S) as a contiguous (N, C, pixels).

    Examples
    --------
    >>> planes(np.ones((2, 3, 4, 5))).shape, planes(np.ones((2, 3))).shape
    ((2, 3, 20), (2, 3, 1))
    """
    return np.ascontiguousarray(x).reshape(*x.shape[:2], math.prod(x.shape[2:]))


def flat(x: Any) -> Any:
    """View an array as a contiguous one of one axis.

    Examples
    --------
    >>> flat(np.ones((2, 3))).shape
    (6,)
    """
    return np.ascontiguousarray(x).reshape(-1)
