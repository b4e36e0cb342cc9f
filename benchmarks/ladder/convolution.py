"""A 3×3 convolution, padded by 1, in four versions that a reader can follow.

    y[n, o, i, j] = Σ_c Σ_a Σ_b w[o, c, a, b] · x̂[n, c, i + a, j + b]

x̂ is x surrounded by zeros. All take x (N, C, H, W) and w (O, C, 3, 3), and give y (N, O, H, W).
"""

from __future__ import annotations

from typing import Any

import numpy as np


def loops(x: Any, w: Any) -> Any:
    """Seven loops: the formula, number by number."""
    (n, c, height, width), o = x.shape, len(w)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((n, o, height, width), x.dtype)
    for sample in range(n):
        for out in range(o):
            for i in range(height):
                for j in range(width):
                    total = 0.0
                    for channel in range(c):
                        for a in range(3):
                            for b in range(3):
                                pixel = padded[sample, channel, i + a, j + b]
                                total += w[out, channel, a, b] * pixel
                    y[sample, out, i, j] = total
    return y


def taps(x: Any, w: Any) -> Any:
    """Shift and add: one loop over the nine taps, each a matrix product over the channels."""
    n, c, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    y = np.zeros((n, len(w), height, width), x.dtype)
    for a in range(3):
        for b in range(3):
            shifted = padded[:, :, a : a + height, b : b + width]
            # (O, C) · (N, C, H·W) -> (N, O, H·W)
            y += (w[:, :, a, b] @ shifted.reshape(n, c, -1)).reshape(y.shape)
    return y


def windows(x: Any, w: Any) -> Any:
    """A view of all windows, which costs no memory, and one contraction with the filters."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    # (N, C, H, W, 3, 3) · (O, C, 3, 3) -> (N, H, W, O)
    y = np.tensordot(view, w, axes=((1, 4, 5), (1, 2, 3)))
    return np.ascontiguousarray(np.moveaxis(y, 3, 1))


def im2col(x: Any, w: Any) -> Any:
    """Unfold every window into a column, then one matrix product."""
    n, c, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    columns = np.empty((n, c, 3, 3, height, width), x.dtype)
    for a in range(3):
        for b in range(3):
            columns[:, :, a, b] = padded[:, :, a : a + height, b : b + width]
    # (O, C·9) · (N, C·9, H·W) -> (N, O, H·W)
    y = w.reshape(len(w), -1) @ columns.reshape(n, c * 9, -1)
    return y.reshape(n, len(w), height, width)
