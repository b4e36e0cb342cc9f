"""Sums at the edges of a convolution, by `sources/conv_sums.cu`."""

from __future__ import annotations

import math
from typing import Any

from .arrays import namespace
from .grid import THREADS, blocks_for
from .program import Program

PROGRAM = Program("conv_sums.cu")
MOST_ROWS = 65535  # of a grid
EACH = 32  # numbers of a thread where blocks share a channel


def add_parts(parts: Any, bias: Any, shape: tuple[int, ...]) -> Any:
    """Return the sum of `parts` (P, *shape), plus a bias along the second axis if there is one."""
    xp: Any = namespace(parts)
    y = xp.empty(shape, parts.dtype)
    plane = math.prod(shape[2:])
    run = PROGRAM.kernel("add_parts", parts.dtype)
    run(blocks_for(y.size), THREADS, parts, len(parts), bias, plane, shape[1], y, y.size)
    return y


def sum_over_pixels(dy: Any) -> Any:
    """Return the sum of dy (N, O, *o) over samples and pixels: (O,)."""
    xp: Any = namespace(dy)
    n, channels, plane = dy.shape[0], dy.shape[1], math.prod(dy.shape[2:])
    shares = max(1, min(blocks_for(1 << 40) // channels, n * plane // (THREADS * EACH)))
    parts = xp.empty((shares, channels), dy.dtype)
    run = PROGRAM.kernel("sum_over_pixels", dy.dtype)
    run((shares, min(channels, MOST_ROWS)), THREADS, dy, n, channels, plane, parts)
    return parts[0] if shares == 1 else add_parts(parts, None, (channels, 1))[:, 0]
