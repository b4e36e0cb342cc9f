"""Where RoIAlign samples: for each bin of a box, the cells that it reads and their weights.

Along each axis by itself, as in the NumPy text. Samples of a bin that fall between the same cells
are added up beforehand, so a bin has few cells however many samples it has.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..region_arguments import plain_int
from .jit import jit

MOST_SAMPLES = 1 << 14  # of a bin along one axis
N, LEFT, TOP, WIDE, HIGH = range(5)  # columns of `Grid.boxes`


class Grid(NamedTuple):
    """The sampling grids of all boxes.

    Attributes
    ----------
    boxes : (R, 5) float64 array
        Map, left, top, width, height, in cells.
    ratio : int
        Samples in a bin along each axis, 0 if by the box's size.
    height, width : int
        Of the maps.
    most : (2,) int64 array
        The most cells that a bin reads along each axis.
    """

    boxes: Any
    ratio: int
    height: int
    width: int
    most: Any

    def cells_read(self, bins: tuple[int, int]) -> int:
        """Return the most cells that all bins of all boxes read together."""
        return len(self.boxes) * math.prod(bins) * int(self.most.prod())


def grid_of(
    rows: Any,
    scale: float,
    bins: tuple[int, int],
    size: tuple[int, int],
    ratio: Any,
    aligned: Any,
) -> Grid | None:
    """Lay the grids, or return None if the ratio is malformed or there are too many samples."""
    if not plain_int(ratio):
        return None
    corners = rows[:, 1:] * scale - (0.5 if aligned else 0.0)
    extent = corners[:, 2:] - corners[:, :2]
    if not aligned:
        extent = np.maximum(extent, 1.0)
    boxes = np.concatenate([rows[:, :1], corners[:, :2], extent], axis=1)
    samples = [max(1, ratio)] * 2
    if ratio <= 0:
        longest = extent.max(axis=0)
        samples = [max(1, math.ceil(longest[1 - a] / bins[a])) for a in range(2)]
    if max(samples) > MOST_SAMPLES:
        return None
    most = np.array([min(size[a], 2 * samples[a]) for a in range(2)])
    return Grid(boxes, max(0, int(ratio)), *size, most)


@jit(inline="always")
def lists(bins: int, most: int, like: Any) -> Any:
    """Make room for what `sample` finds: cells, weights, and how many of them."""
    cells = np.empty((bins, most), np.int64)
    return cells, np.empty((bins, most), like.dtype), np.empty(bins, np.int64)


@jit()
def sample(
    start: float, length: float, ratio: int, size: int, cells: Any, weights: Any, used: Any
) -> tuple[int, int]:
    """Fill, for each bin along one axis, the cells that it reads, and their weights.

    Parameters
    ----------
    start, length : float
        Of the box, in cells.
    ratio : int
        Samples in a bin, 0 if by the length.
    size : int
        Cells of the map.
    cells, weights : (bins, most) arrays
    used : (bins,) array
        How many of them are used.

    Returns
    -------
    (int, int)
        The cells from the first to before the second are those that the NumPy text looks at.
    """
    bins = len(used)
    samples = ratio if ratio > 0 else max(0, math.ceil(length / bins))
    lowest, highest = size, 0
    for b in range(bins):
        count = 0
        for k in range(samples):
            # the same roundings as in the NumPy text
            at = start + b * (length / bins) + (k + 0.5) * (length / bins) / samples
            inside = -1 <= at <= size
            at = min(max(at, 0.0), size - 1.0)
            first = int(at)
            second = min(first + 1, size - 1)
            lowest, highest = min(lowest, first), max(highest, second + 1)
            if inside:
                t = at - first
                count = _add(cells, weights, b, count, first, (1 - t) / samples)
                count = _add(cells, weights, b, count, second, t / samples)
        used[b] = count
    return lowest, highest


@jit(inline="always")
def _add(cells: Any, weights: Any, b: int, count: int, cell: int, weight: float) -> int:
    """Add to a cell's weight; samples go one way, so it is among the last, or new."""
    for at in range(count - 1, max(count - 5, -1), -1):
        if cells[b, at] == cell:
            weights[b, at] += weight
            return count
    cells[b, count], weights[b, count] = cell, weight
    return count + 1
