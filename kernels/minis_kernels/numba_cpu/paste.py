"""Mask pasting: only the pixels inside a box are computed, one line at a time.

The NumPy text resizes each mask to its whole box, through an array for each step and axis, also
where the box lies outside the image. Here two rows of the small mask are mixed into one, which
stays in the L1 cache, and the pixels of a line are read from it; masks are shared among threads.

It declines boxes further than 10⁹ pixels away.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .geometry import servable
from .jit import jit
from .launch import launch
from .regions import bins_of

FAR = 1e9  # pixels


def paste_masks(masks: Any, boxes: Any, size: Any) -> Any:
    """Put masks into images: `minis.ops.paste_masks`."""
    image = bins_of(size)
    if image is None or not servable(masks) or not servable(boxes):
        return NotImplemented
    m, k = len(masks), masks.shape[-1]
    if masks.shape != (m, 1, k, k) or boxes.shape != (m, 4) or not np.abs(boxes).max() < FAR:
        return NotImplemented
    padded = np.zeros((m, k + 2, k + 2), masks.dtype)
    padded[:, 1:-1, 1:-1] = masks[:, 0]
    centre, half = (boxes[:, 2:] + boxes[:, :2]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    half = half * boxes.dtype.type((k + 2) / k)
    corners = np.concatenate([centre - half, centre + half], axis=1).astype(np.int64)
    y = np.zeros((m, 1, *image), masks.dtype)
    launch(_paste, padded, corners, y.reshape(m, *image))
    return y


@jit(parallel=True)
def _paste(masks: Any, corners: Any, y: Any) -> None:
    m, height, width = y.shape
    one = y.dtype.type(1)
    for i in prange(m):
        x1, y1, x2, y2 = corners[i]
        wide, high = max(x2 - x1 + 1, 1), max(y2 - y1 + 1, 1)
        left, right = max(x1, 0), min(x2 + 1, width)
        columns = max(right - left, 0)
        low, second = np.empty(columns, np.int64), np.empty(columns, np.int64)
        share = np.empty(columns, y.dtype)
        for w in range(columns):
            low[w], second[w], share[w] = _source(masks.shape[2], wide, left + w - x1)
        line = np.empty(masks.shape[2], y.dtype)
        for h in range(max(y1, 0), min(y2 + 1, height)):
            above, below, t = _source(masks.shape[1], high, h - y1)
            t = y.dtype.type(t)
            for c in range(len(line)):
                line[c] = (one - t) * masks[i, above, c] + t * masks[i, below, c]
            pixels = y[i, h, left : left + columns]
            for w in range(len(pixels)):
                pixels[w] = (one - share[w]) * line[low[w]] + share[w] * line[second[w]]


@jit(inline="always")
def _source(size: int, out: int, j: int) -> tuple[int, int, float]:
    """Where pixel j of `out` lies among `size` cells: between which two, and how far."""
    at = max((j + 0.5) * (size / out) - 0.5, 0.0)
    first = min(int(at), size - 1)
    return first, min(first + 1, size - 1), at - first
