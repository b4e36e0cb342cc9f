"""Mask pasting: only the pixels inside a box are computed, one line at a time.

The NumPy text resizes each mask to its whole box, through an array for each step and axis, also
where the box lies outside the image. Here two rows of the small mask are mixed into one, which
stays in the L1 cache, and the pixels of a line are read from it; masks are shared among threads.

It declines boxes further than 10⁹ pixels away.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from ..region_arguments import bins_of
from .arrays import servable
from .jit import jit
from .launch import launch

FAR = 1e9  # pixels


def paste_masks(masks: Any, boxes: Any, size: Any, *, aligned: bool = False) -> Any:
    """Put masks into images: `minis.ops.paste_masks`."""
    image = bins_of(size)
    if image is None or not servable(masks) or not servable(boxes):
        return NotImplemented
    m, k = len(masks), masks.shape[-1]
    if masks.shape != (m, 1, k, k) or boxes.shape != (m, 4) or not np.abs(boxes).max() < FAR:
        return NotImplemented
    padded = np.zeros((m, k + 2, k + 2), masks.dtype)
    padded[:, 1:-1, 1:-1] = masks[:, 0]
    corners = boxes.astype(np.float64) if aligned else _truncated(boxes, k)
    y = np.zeros((m, 1, *image), masks.dtype)
    launch(_paste, padded, corners, bool(aligned), y.reshape(m, *image))
    return y


def _truncated(boxes: Any, k: int) -> Any:
    """Boxes with frames of one cell in whole pixels: the first one, and what follows the last."""
    centre, half = (boxes[:, 2:] + boxes[:, :2]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    half = half * boxes.dtype.type((k + 2) / k)
    low, high = (centre - half).astype(np.int64), (centre + half).astype(np.int64)
    return np.concatenate([low, high + 1], axis=1).astype(np.float64)  # inverted ones are empty


@jit(parallel=True)
def _paste(masks: Any, corners: Any, aligned: bool, y: Any) -> None:
    m, height, width = y.shape
    k = masks.shape[1]
    one = y.dtype.type(1)
    for i in prange(m):
        x1, y1, x2, y2 = corners[i]
        if x1 < x2 and y1 < y2:
            left, columns = _pixels(x1, x2, k, width, aligned)
            top, rows = _pixels(y1, y2, k, height, aligned)
            low, second = np.empty(columns, np.int64), np.empty(columns, np.int64)
            share = np.empty(columns, y.dtype)
            for w in range(columns):
                low[w], second[w], share[w] = _source(x1, x2, k, left + w, aligned)
            line = np.empty(k, y.dtype)
            for h in range(top, top + rows):
                above, below, t = _source(y1, y2, k, h, aligned)
                t = y.dtype.type(t)
                for c in range(k):
                    line[c] = (one - t) * masks[i, above, c] + t * masks[i, below, c]
                pixels = y[i, h, left : left + columns]
                for w in range(len(pixels)):
                    pixels[w] = (one - share[w]) * line[low[w]] + share[w] * line[second[w]]


@jit(inline="always")
def _pixels(low: float, high: float, k: int, length: int, aligned: bool) -> tuple[int, int]:
    """Which pixels of a side show the mask: the first one, and how many."""
    margin = (high - low) / (k - 2) / 2 if aligned else 0.0
    first = min(max(math.floor(low - margin), 0), length)
    return first, max(min(math.ceil(high + margin), length) - first, 0)


@jit(inline="always")
def _source(low: float, high: float, k: int, j: int, aligned: bool) -> tuple[int, int, float]:
    """Where pixel j lies among the k cells, frame included: between which two, and how far."""
    cells = k - 2 if aligned else k
    at = (j + 0.5 - low) * (cells / (high - low)) - 0.5
    at = min(max(at + 1.0 if aligned else at, 0.0), k - 1.0)
    first = int(at)
    return first, min(first + 1, k - 1), at - first
