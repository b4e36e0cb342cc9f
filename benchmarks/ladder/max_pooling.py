"""Max pooling over windows of 2×2, with indices, in three versions that a reader can follow.

    y[n, c, i, j] = max_ab x[n, c, 2i + a, 2j + b]

All take x (N, C, H, W) with even sides, and give y and the flat indices of the maxima in their
(H, W) planes, both (N, C, H/2, W/2). Of equal values the first counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def loops(x: Any) -> tuple[Any, Any]:
    """Six loops: look at every value."""
    n, c, height, width = x.shape
    y = np.empty((n, c, height // 2, width // 2), x.dtype)
    indices = np.empty(y.shape, np.int64)
    for sample in range(n):
        for channel in range(c):
            for i in range(height // 2):
                for j in range(width // 2):
                    best, place = x[sample, channel, 2 * i, 2 * j], 2 * i * width + 2 * j
                    for a in range(2):
                        for b in range(2):
                            value = x[sample, channel, 2 * i + a, 2 * j + b]
                            if value > best:
                                best, place = value, (2 * i + a) * width + 2 * j + b
                    y[sample, channel, i, j], indices[sample, channel, i, j] = best, place
    return y, indices


def taps(x: Any) -> tuple[Any, Any]:
    """One loop over the four taps, each of which may win over the best so far."""
    height, width = x.shape[2:]
    corners = (np.arange(0, height, 2)[:, None] * width + np.arange(0, width, 2)).astype(np.int64)
    y = x[:, :, ::2, ::2].copy()
    indices = np.broadcast_to(corners, y.shape).copy()
    for a, b in ((0, 1), (1, 0), (1, 1)):
        tap = x[:, :, a::2, b::2]
        better = tap > y
        y = np.where(better, tap, y)
        indices = np.where(better, corners + a * width + b, indices)
    return y, indices


def windows(x: Any) -> tuple[Any, Any]:
    """Windows side by side, and their argmax."""
    n, c, height, width = x.shape
    # (N, C, H/2, 2, W/2, 2) -> (N, C, H/2, W/2, 4)
    split = x.reshape(n, c, height // 2, 2, width // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    values = split.reshape(n, c, height // 2, width // 2, 4)
    winner = values.argmax(axis=4)
    y = np.take_along_axis(values, winner[..., None], axis=4)[..., 0]
    rows = 2 * np.arange(height // 2)[:, None] + winner // 2
    columns = 2 * np.arange(width // 2) + winner % 2
    return y, rows * width + columns
