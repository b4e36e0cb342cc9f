"""Unfolding windows into columns, and folding columns back: im2col and col2im of one block.

A block is a range of lines; line l is the row of outputs at (l // OH, l % OH). Column i of a block
holds the window of output i: the taps of channel after channel. All loops run along contiguous
memory. The sizes g are a `Geometry` as an array.
"""

from __future__ import annotations

from typing import Any

from .geometry import DILATION, KERNEL, OUT, PADDING, SIZE, STRIDE
from .jit import jit


@jit(inline="always")
def inner_range(out: int, size: int, stride: int, offset: int) -> tuple[int, int]:
    """Return the range of outputs i with 0 ≤ i·stride + offset < size."""
    low = 0 if offset >= 0 else (-offset + stride - 1) // stride
    high = (size - offset + stride - 1) // stride if size > offset else 0
    return min(low, out), max(min(low, out), min(high, out))


@jit()
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
                    at_d, at_h = first // out_h, first % out_h
                    for at in range(0, (last - first) * out_w, out_w):
                        d = at_d * stride_d + td * g[DILATION, 0] - g[PADDING, 0]
                        h = at_h * stride_h + th * g[DILATION, 1] - g[PADDING, 1]
                        at_h += 1
                        if at_h == out_h:
                            at_d, at_h = at_d + 1, 0
                        target = columns[row, at : at + out_w]
                        if d < 0 or d >= depth or h < 0 or h >= height or low >= high:
                            fill(target, 0)
                            continue
                        fill(target[:low], 0)
                        start = low * stride_w + shift
                        copy(x[c, d, h, start:], target[low:high], stride_w)
                        fill(target[high:], 0)
                    row += 1


@jit()
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
                    at_d, at_h = first // out_h, first % out_h
                    for at in range(0, (last - first) * out_w, out_w):
                        d = at_d * stride_d + td * g[DILATION, 0] - g[PADDING, 0]
                        h = at_h * stride_h + th * g[DILATION, 1] - g[PADDING, 1]
                        at_h += 1
                        if at_h == out_h:
                            at_d, at_h = at_d + 1, 0
                        if d < 0 or d >= depth or h < 0 or h >= height or low >= high:
                            continue
                        start = low * stride_w + shift
                        add(columns[row, at + low : at + high], x[c, d, h, start:], stride_w)
                    row += 1


# The innermost loops stand in functions of their own, on slices: counting from 0, the compiler
# sees that no index is negative, and vectorises. Inlined, slicing costs nothing either.


@jit(inline="always")
def fill(target: Any, value: float) -> None:
    """Set every element."""
    for i in range(len(target)):
        target[i] = value


@jit(inline="always")
def copy(source: Any, target: Any, step: int) -> None:
    """Set target[i] = source[i · step]."""
    if step == 1:
        for i in range(len(target)):
            target[i] = source[i]
    else:
        for i in range(len(target)):
            target[i] = source[i * step]


@jit(inline="always")
def add(source: Any, target: Any, step: int) -> None:
    """Add source[i] to target[i · step]."""
    if step == 1:
        for i in range(len(source)):
            target[i] += source[i]
    else:
        for i in range(len(source)):
            target[i * step] += source[i]


@jit()
def take_lines(a: Any, start: int, block: Any) -> None:
    """Copy a[k, start : start + L] of every channel k of a (C, positions) into block (C, L)."""
    for k in range(len(block)):
        copy(a[k, start : start + block.shape[1]], block[k], 1)


@jit(inline="always")
def add_constant(source: Any, value: float, target: Any) -> None:
    """Set target[i] = source[i] + value."""
    for i in range(len(source)):
        target[i] = source[i] + value
