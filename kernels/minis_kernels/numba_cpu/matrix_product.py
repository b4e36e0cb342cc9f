"""Products of matrices of any size, out of blocks that stay in the caches.

    y[m, n] = Σ_k a[m, k] · b[k, n]

`product.add_tile` wants the neighbours of a tile side by side: of a column of a the ROWS numbers,
of a row of b the COLUMNS. So a block of `STEPS` steps of k is copied first, a into strips of LANES
rows, b into strips of COLUMNS columns, whichever way they lie in memory:

    strip[k, j] = x[k · along + j · across]        one of the two steps is 1

All threads copy, then each takes some strips of b, which stay in its L2 cache, and multiplies them
with strips of a, which come through L1. A sum runs over k in one order: it does not depend on the
number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from .jit import jit
from .launch import exclusive, launch
from .product import COLUMNS, ROWS, add_tile, set_tile
from .scratch import scratch
from .shuffles import transpose_tile
from .vector import INNER, LANES, load, stay_apart, store

STEPS = 256  # of k at a time: a strip of a takes 16 kB, one of b 32 kB
STRIPS = 8  # of b that a task keeps in L2
TASKS = 8  # at least, where the shapes allow it


def multiply(a: Any, b: Any, bias: Any = None) -> Any:
    """Multiply a (M, K) with b (K, N), and add a bias (N,) to every row.

    Each is an array that lies in one piece, or the transpose of one; none is empty.
    """
    (m, k), n = a.shape, b.shape[1]
    y = np.empty((-(-m // ROWS) * ROWS, n), a.dtype)  # tiles are written whole
    if bias is not None:
        y[...] = bias
    a_strips, b_strips = -(-m // LANES), -(-n // COLUMNS)
    groups = -(-b_strips // STRIPS)
    parts = min(a_strips, math.ceil(TASKS / groups))
    steps = np.array([[*_steps(a.T)], [*_steps(b)]])
    offsets = np.arange(STEPS) * COLUMNS
    with exclusive():
        a_packed = scratch("inputs", (a_strips * STEPS * LANES,), a.dtype)
        b_packed = scratch("filters", (b_strips * STEPS * COLUMNS,), a.dtype)
        launch(_multiply, _flat(a), _flat(b), steps, np.array([m, k, n]), bias is None, parts,
               offsets, a_packed, b_packed, y.reshape(-1))  # fmt: skip
    return y[:m]


def _steps(x: Any) -> tuple[int, int]:
    """Return how far apart rows and columns lie, in numbers; an axis of length 1 may be either."""
    return (x.shape[1], 1) if x.flags.c_contiguous else (1, x.shape[0])


def _flat(x: Any) -> Any:
    return (x if x.flags.c_contiguous else x.T).reshape(-1)


@jit(parallel=True)
def _multiply(
    a: Any, b: Any, steps: Any, sizes: Any, fresh: bool, parts: int, offsets: Any, a_packed: Any,
    b_packed: Any, y: Any,
) -> None:  # fmt: skip
    m, k, n = sizes
    a_strips, b_strips = (m + LANES - 1) // LANES, (n + COLUMNS - 1) // COLUMNS
    groups = (b_strips + STRIPS - 1) // STRIPS
    for first in range(0, k, STEPS):
        count = min(STEPS, k - first)
        for strip in prange(a_strips + b_strips):
            if strip < a_strips:
                _pack(np.int64(strip), LANES, first, count, a, steps[0], m, a_packed)
            else:
                _pack(strip - a_strips, COLUMNS, first, count, b, steps[1], n, b_packed)
        for task in prange(groups * parts):
            group, part = task // parts, task % parts
            low, high = part * a_strips // parts, (part + 1) * a_strips // parts
            for strip in range(low, high):
                for column in range(group * STRIPS, min(b_strips, (group + 1) * STRIPS)):
                    _strips(strip, column, m, n, count, fresh and first == 0, offsets, a_packed,
                            b_packed, y)  # fmt: skip


@jit(**INNER)
def _strips(
    strip: int, column: int, m: int, n: int, count: int, fresh: bool, offsets: Any, a: Any, b: Any,
    y: Any,
) -> None:  # fmt: skip
    """Multiply a strip of a with one of b; add it to y, or set y if `fresh`."""
    stay_apart()
    at, width = column * STEPS * COLUMNS, n - column * COLUMNS
    for row in range(strip * LANES, min(m, (strip + 1) * LANES), ROWS):
        a_at = strip * STEPS * LANES + row - strip * LANES
        to = row * n + column * COLUMNS
        if fresh:
            set_tile(a, a_at, LANES, b, at, offsets, 0, count, y, to, n, width)
        else:
            add_tile(a, a_at, LANES, b, at, offsets, 0, count, y, to, n, width)


@jit(**INNER)
def _pack(
    strip: int, width: int, first: int, count: int, x: Any, steps: Any, size: int, packed: Any
) -> None:
    """packed[strip, k, j] = x[first + k, strip · width + j], zero beyond the last column."""
    stay_apart()
    along, across = steps
    at = first * along + strip * width * across
    to = strip * STEPS * width
    columns = min(width, size - strip * width)
    for j in range(0, width, LANES):
        if j + LANES > columns:
            for k in range(count):
                for lane in range(j, j + LANES):
                    inside = lane < columns
                    packed[to + k * width + lane] = (
                        x[at + k * along + lane * across] if inside else 0
                    )
        elif across == 1:
            for k in range(count):
                store(packed, to + k * width + j, load(x, at + k * along + j))
        else:
            square = count - count % LANES
            for k in range(0, square, LANES):
                transpose_tile(x, at + k + j * across, across, packed, to + k * width + j, width)
            for lane in range(j, j + LANES):
                for k in range(square, count):
                    packed[to + k * width + lane] = x[at + k + lane * across]
