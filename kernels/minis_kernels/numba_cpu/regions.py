"""What the kernels of RoIAlign and RoIPool share: their arguments, and maps with channels last.

With channels last, the numbers that one sample needs, a few for each channel, lie side by side: all
channels of a block are treated at once, in the registers, and where to look is found out once for
all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..arguments import number
from .arrays import servable
from .jit import jit
from .launch import launch
from .shuffles import transpose_tile
from .vector import LANES, load, load_within, store, store_below

BLOCK = 4 * LANES  # channels that are treated at once
PIECE = 1024  # cells that a thread transposes at a time
FAR = 1e12  # in cells; beyond it, coordinates could overflow


def regions(a: Any, boxes: Any, maps: int, spatial_scale: Any) -> tuple[Any, float] | None:
    """Return the boxes in float64, sorted by map, and the scale; or None where none can be served.

    Parameters
    ----------
    a : array
        The maps, or what was cut out of them.
    boxes : array
        To be (R, 5), finite, each with the index of one of the maps.
    maps : int
    spatial_scale : float
    """
    scale = number(spatial_scale, low=0.0, high=FAR)
    if scale is None or not servable(a, boxes) or boxes.ndim != 2 or boxes.shape[1] != 5:
        return None
    rows = np.ascontiguousarray(boxes, np.float64)
    index = rows[:, 0]
    if not (np.abs(rows[:, 1:]).max() * max(scale, 1.0) < FAR):  # nor is NaN
        return None
    if not (index.min() >= 0 and index.max() < maps and (index == np.floor(index)).all()):
        return None
    return rows, scale


def few_channels(count: int) -> bool:
    """Whether so few that most of a block would be empty."""
    return count < 2 * LANES


def channels_last(x: Any) -> tuple[Any, bool]:
    """Turn (N, C, H, W) into (N, blocks, H·W, BLOCK), and say whether all of it is finite.

    The last block is filled up with zeros.
    """
    n, c = x.shape[:2]
    planes = np.ascontiguousarray(x).reshape(n, c, -1)
    cells = planes.shape[2]
    maps = np.empty((n, -(-c // BLOCK), cells, BLOCK), x.dtype)
    finite = np.empty((n, maps.shape[1], -(-cells // PIECE)), np.bool_)
    launch(_channels_last, planes, maps, finite)
    return maps, bool(finite.all())


@jit(parallel=True)
def _channels_last(x: Any, maps: Any, finite: Any) -> None:
    n, _, cells = x.shape
    blocks, pieces = finite.shape[1:]
    for task in prange(n * blocks * pieces):
        i, b, piece = task // (blocks * pieces), task // pieces % blocks, task % pieces
        first = piece * PIECE
        last = min(first + PIECE, cells)
        finite[i, b, piece] = _transpose(x, maps, i, b, first, last)


@jit()
def _transpose(x: Any, maps: Any, i: int, b: int, first: int, last: int) -> bool:
    """Transpose the cells first … last − 1 of one block of channels; whether all are finite."""
    c, cells = x.shape[1:]
    flat = x[i].reshape(-1)
    rows = maps[i, b].reshape(-1)
    tile = np.zeros(LANES * LANES, x.dtype)
    no = load(tile, 0)  # becomes NaN where a number is not finite: v − v is 0 otherwise
    odd = False
    for k in range(0, BLOCK, LANES):
        channels = min(LANES, c - b * BLOCK - k)
        at = (b * BLOCK + k) * cells
        cell = first
        if channels == LANES:
            for cell in range(first, last - LANES + 1, LANES):
                transpose_tile(flat, at + cell, cells, rows, cell * BLOCK + k, BLOCK)
                for j in range(LANES):
                    v = load(rows, (cell + j) * BLOCK + k)
                    no = no + (v - v)
            cell = last - (last - first) % LANES
        for p in range(cell, last):
            for j in range(LANES):
                v = flat[at + j * cells + p] if j < channels else x.dtype.type(0)
                odd |= not np.isfinite(v)
                rows[p * BLOCK + k + j] = v
    store(tile, 0, no)
    for j in range(LANES):
        odd |= tile[j] != 0
    return not odd


@jit(inline="always")
def put_channels_first(
    block: Any, rows: int, tile: Any, y: Any, at: int, channels: int, step: int
) -> None:
    """Write (rows, BLOCK) as (channels, rows) to the flat y, from y[at] on, step by step.

    The block has rows to spare, up to a multiple of LANES. A tile is LANES² numbers.
    """
    for k in range(0, channels, LANES):
        for p in range(0, rows, LANES):
            transpose_tile(block, p * BLOCK + k, BLOCK, tile, 0, LANES)
            for j in range(min(LANES, channels - k)):
                store_below(y, at + (k + j) * step + p, load(tile, j * LANES), rows - p)


@jit(inline="always")
def take_channels_last(x: Any, at: int, channels: int, rows: int, tile: Any, block: Any) -> None:
    """Read (channels, rows) from the flat x, from x[at] on, as (rows, BLOCK); zeros elsewhere."""
    for k in range(0, BLOCK, LANES):
        for p in range(0, rows, LANES):
            for j in range(LANES):
                count = rows - p if k + j < channels else 0
                store(tile, j * LANES, load_within(x, at + (k + j) * rows + p, 0, count))
            transpose_tile(tile, 0, LANES, block, p * BLOCK + k, BLOCK)


@jit(inline="always")
def copy(source: Any, y: Any, at: int, count: int) -> None:
    """Copy the first `count` numbers to the flat y, from y[at] on."""
    for k in range(0, count - LANES + 1, LANES):
        store(y, at + k, load(source, k))
    for k in range(count - count % LANES, count):
        y[at + k] = source[k]
