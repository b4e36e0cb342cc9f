"""Unfolding windows into columns, and folding columns back: im2col and col2im of one block.

A block is a range of lines; line l is the row of outputs at (l // OH, l % OH). The sizes g are a `Geometry` as an array. Column i of a block
holds the window of output i: the taps of channel after channel. All loops run along contiguous
memory.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from .geometry import DILATION, KERNEL, OUT, PADDING, SIZE, STRIDE


@njit(cache=True, inline="always")
def inner_range(out: int, size: int, stride: int, offset: int) -> tuple[int, int]:  # noqa: D103
    # outputs i with 0 ≤ i·stride + offset < size
    low = 0 if offset >= 0 else (-offset + stride - 1) // stride
    high = (size - offset + stride - 1) // stride if size > offset else 0
    return min(low, out), max(min(low, out), min(high, out))


@njit(cache=True)
def unfold(x: Any, first: int, last: int, g: Any, columns: Any) -> None:
    """Write the windows of lines first … last of x (C, D, H, W) into columns (C·k, L)."""
    depth, height, width = g[SIZE]
    kd, kh, kw = g[KERNEL]
    _, out_h, out_w = g[OUT]
    stride_d, stride_h, stride_w = g[STRIDE]
    row = 0
    for c in range(x.shape[0]):
        for td in range(kd):
            for th in range(kh):
                for tw in range(kw):
                    shift = tw * g[DILATION, 2] - g[PADDING, 2]
                    low, high = inner_range(out_w, width, stride_w, shift)
                    at = 0
                    for line in range(first, last):
                        d = (line // out_h) * stride_d + td * g[DILATION, 0] - g[PADDING, 0]
                        h = (line % out_h) * stride_h + th * g[DILATION, 1] - g[PADDING, 1]
                        if 0 <= d < depth and 0 <= h < height:
                            for i in range(low):
                                columns[row, at + i] = 0
                            if stride_w == 1:
                                for i in range(low, high):
                                    columns[row, at + i] = x[c, d, h, i + shift]
                            else:
                                for i in range(low, high):
                                    columns[row, at + i] = x[c, d, h, i * stride_w + shift]
                            for i in range(high, out_w):
                                columns[row, at + i] = 0
                        else:
                            for i in range(out_w):
                                columns[row, at + i] = 0
                        at += out_w
                    row += 1


@njit(cache=True)
def fold(columns: Any, first: int, last: int, g: Any, x: Any) -> None:
    """Add columns (C·k, L) to the places in x (C, D, H, W) that `unfold` reads them from."""
    depth, height, width = g[SIZE]
    kd, kh, kw = g[KERNEL]
    _, out_h, out_w = g[OUT]
    stride_d, stride_h, stride_w = g[STRIDE]
    row = 0
    for c in range(x.shape[0]):
        for td in range(kd):
            for th in range(kh):
                for tw in range(kw):
                    shift = tw * g[DILATION, 2] - g[PADDING, 2]
                    low, high = inner_range(out_w, width, stride_w, shift)
                    at = 0
                    for line in range(first, last):
                        d = (line // out_h) * stride_d + td * g[DILATION, 0] - g[PADDING, 0]
                        h = (line % out_h) * stride_h + th * g[DILATION, 1] - g[PADDING, 1]
                        if 0 <= d < depth and 0 <= h < height:
                            if stride_w == 1:
                                for i in range(low, high):
                                    x[c, d, h, i + shift] += columns[row, at + i]
                            else:
                                for i in range(low, high):
                                    x[c, d, h, i * stride_w + shift] += columns[row, at + i]
                        at += out_w
                    row += 1
