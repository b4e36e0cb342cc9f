"""How threads are laid over the planes of (N, C, *S) arrays: see `sources/planes.cuh`."""

from __future__ import annotations

import math
from typing import Any

from ..geometry import extended
from .arrays import contiguous
from .grid import THREADS, blocks_for

LARGEST = 1 << 28  # of a plane's cells, and of a window's sizes: places then fit in 32 bits

Layout = tuple[tuple[int, int], tuple[int, int]]  # blocks of the grid, threads of a block


def over_planes(cells: int, planes: int) -> Layout:
    """Return the grid and the block for so many planes of so many cells.

    Examples
    --------
    >>> over_planes(40, 1000)[1]
    (64, 4)
    """
    across = min(THREADS, 1 << (cells - 1).bit_length())
    block = across, THREADS // across
    many = blocks_for(1 << 62, 1)  # as many as fill the GPU
    wide = blocks_for(cells, block[0])
    return (wide, min(blocks_for(planes, block[1]), -(-many // wide))), block


def fits(*sizes: tuple[int, ...]) -> bool:
    """Whether a plane of each of these sizes has places that fit in 32 bits."""
    return all(math.prod(s) <= LARGEST for s in sizes)


def planes_of(a: Any) -> tuple[Any, int, tuple[int, int, int]]:
    """Return (N, C, *S) as a contiguous array, the number of its planes, and S with three axes."""
    return contiguous(a), math.prod(a.shape[:2]), extended(a.shape[2:])
