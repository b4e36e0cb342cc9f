"""How blocks are laid over rows: a channel of a batch, or a group of channels of one sample.

A row's numbers lie in runs of equal length (see `sources/rows.cuh`). Several blocks share a long
row, and how many depends on the shapes alone, so that sums don't change from run to run. A thread
takes no more than 64 numbers: a sum of so many loses next to nothing in float32, and what the
blocks leave is added up in double.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .grid import BLOCKS, THREADS
from .packs import aligned, width
from .program import emulating

WARP = 32
FEW, MANY = 4, 64  # numbers of a thread, where there are little and where there are many in all
MOST = 65535 * THREADS * MANY  # numbers of a row, and rows: a grid has no more parts of a row


class Rows(NamedTuple):
    """Rows of arrays, and the part of a row that one block takes."""

    rows: int
    start: int  # numbers from the first of a row to the first of the next
    stride: int  # numbers from one run of a row to the next
    length: int  # numbers of a run
    segments: int  # runs of a row
    share: int  # numbers of a part
    threads: int
    wide: bool  # runs can be read in packs

    @property
    def parts(self) -> int:
        """Parts of a row."""
        return -(-self.length * self.segments // self.share)

    @property
    def grid(self) -> tuple[int, int]:
        """A block for each part of each row."""
        return self.rows, self.parts

    @property
    def arguments(self) -> tuple[int, int, int, int, int, bool]:
        """What every kernel that goes over rows takes, at the end of its parameters."""
        return self.start, self.stride, self.length, self.segments, self.share, self.wide


def channels(*arrays: Any) -> Rows | None:
    """Lay blocks over the channels of (N, C, *S) arrays; None if they are too large."""
    n, c, pixels = _sizes(arrays[0])
    return _rows(arrays, c, pixels, c * pixels, pixels, n)


def groups_of_samples(groups: int, *arrays: Any) -> Rows | None:
    """Lay blocks over each sample's groups of channels; a row's runs are its channels."""
    n, c, pixels = _sizes(arrays[0])
    members = c // groups
    return _rows(arrays, n * groups, members * pixels, pixels, pixels, members)


def planes_of_samples(*arrays: Any) -> Rows | None:
    """Lay blocks over the channels of each sample."""
    return groups_of_samples(arrays[0].shape[1], *arrays)


def _sizes(x: Any) -> tuple[int, int, int]:
    """Return N, C and the pixels of a plane of an (N, C, *S) array."""
    return x.shape[0], x.shape[1], math.prod(x.shape[2:])


def _rows(
    arrays: Any, count: int, start: int, stride: int, length: int, segments: int
) -> Rows | None:
    numbers = length * segments
    if max(numbers, count) >= MOST:
        return None
    wide = length % width(arrays[0]) == 0 and aligned(*arrays)
    of_access = width(arrays[0]) if wide else 1
    most, blocks = (WARP * 2, 4) if emulating() else (THREADS, BLOCKS)
    threads = min(most, -(-numbers // (of_access * WARP)) * WARP)
    step = threads * of_access
    share = min(max(-(-count * numbers // blocks), threads * FEW), threads * MANY)
    return Rows(count, start, stride, length, segments, -(-share // step) * step, threads, wide)
