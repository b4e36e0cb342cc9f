"""What RoIAlign, RoIPool and mask pasting ask of their arguments: see `sources/regions.cuh`.

Boxes are numbers on the GPU. Those that the NumPy text refuses, because they aren't finite or name
no map, are not refused here, which would cost a synchronisation: they give NaN.
"""

from __future__ import annotations

import math
from typing import Any

from ..arguments import number
from .arrays import servable
from .grid import THREADS, blocks_for
from .planes import fits

FAR = 1e12  # cells; beyond it, coordinates could overflow
MOST_CHUNKS = 65535  # blocks along a grid's second axis


def servable_regions(
    a: Any, boxes: Any, shape: tuple[int, ...], bins: tuple[int, int] | None
) -> bool:
    """Whether these are maps, or what was cut out of them, and (R, 5) boxes that kernels serve.

    Parameters
    ----------
    a, boxes : array
    shape : tuple of int
        (N, C, H, W) of the maps.
    bins : (int, int) or None
        None where they are malformed.
    """
    return (
        bins is not None
        and servable(a, boxes)
        and boxes.ndim == 2
        and boxes.shape[1] == 5
        and fits(shape[2:], (shape[1], *bins))
    )


def scale_of(spatial_scale: Any) -> float | None:
    """Return the scale, or None if it is malformed."""
    return number(spatial_scale, low=0.0, high=FAR)


def over_boxes(
    boxes: int, channels: int, bins: tuple[int, int]
) -> tuple[tuple[tuple[int, int], int], int]:
    """Return the grid and the block, and how many channels a block takes.

    As many as leave enough blocks to fill the GPU, and fill the block.
    """
    chunks = -(-blocks_for(1 << 62, 1) // boxes)
    chunk = max(channels // chunks, THREADS // math.prod(bins), -(-channels // MOST_CHUNKS), 1)
    chunk = min(chunk, channels)
    return ((boxes, -(-channels // chunk)), THREADS), chunk
