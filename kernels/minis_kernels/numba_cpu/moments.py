"""Mean and variance of a channel, exact however far the mean lies from 0.

Summing squares loses the variance of numbers that are large but alike. A piece (see `pieces`) is
gone over twice instead, which costs little as it lies in L1: for its mean, then for the squares of
the distances from it. Pieces are merged in float64 by the rule of Chan, Golub and LeVeque (1983).
"""

from __future__ import annotations

from typing import Any

from .jit import jit
from .pieces import PIECE, SUMS


@jit(fastmath=SUMS, error_model="numpy")
def moments(x: Any) -> tuple[float, float]:
    """Return the mean of a piece, and the sum of its squared distances from it."""
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += x[i]
    centre = x.dtype.type(total / len(x))
    off = squares = x.dtype.type(0)
    for i in range(len(x)):
        distance = x[i] - centre
        off += distance  # what rounding took from the mean
        squares += distance * distance
    return centre + off / len(x), squares - off * (off / len(x))


@jit(error_model="numpy")
def merged(means: Any, squares: Any, pixels: int) -> tuple[float, float]:
    """Return mean and variance of a channel from those of its pieces (samples, pieces)."""
    count, mean, total = 0, 0.0, 0.0
    for n in range(means.shape[0]):
        for piece in range(means.shape[1]):
            size = min(PIECE, pixels - piece * PIECE)
            difference = means[n, piece] - mean
            share = size / (count + size)
            mean += difference * share
            total += squares[n, piece] + difference * difference * count * share
            count += size
    return mean, total / count
