"""Convolution of each channel by itself, with stride 1: the input is read where it lies.

There are as few multiplications as numbers, so what counts is memory: no padded copy is made, as
`direct` does. LANES neighbours of an output line are summed over all taps in a register; lanes
outside the input are loaded as zeros. With 3×3 taps, `ROWS` lines of the output are summed at once
wherever their input lies in the picture: each line that is loaded serves three of them.

128 channels at 128², 3×3, two Zen 5 cores: 1.7 ms by `direct`, 1.0 to 1.6 line by line (as x and y
happen to lie in memory), 0.4 to 0.7 four lines at once, 1.4 by PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from .jit import jit
from .launch import launch
from .vector import INNER, LANES, load, load_within, spread, store_below

ROWS = 4  # of an output plane of 3×3 taps, summed at once


def convolve(
    x: Any, w: Any, bias: Any, before: tuple[int, ...], dilation: tuple[int, ...],
    out: tuple[int, ...], adjoint: bool,
) -> Any:  # fmt: skip
    """Convolve x (N, C, D, H, W) with w (C, 1, *k), or, if `adjoint`, with w flipped."""
    n, c = x.shape[:2]
    y = np.empty((n, c, *out), x.dtype)
    taps = w.reshape(c, -1)
    options = np.array([before, dilation, w.shape[2:], x.shape[2:], out])
    launch(_convolve, x.reshape(-1), np.ascontiguousarray(taps[:, ::-1] if adjoint else taps), bias,
           options, n * c, y.reshape(-1))  # fmt: skip
    return y


@jit(parallel=True)
def _convolve(x: Any, w: Any, bias: Any, options: Any, planes: int, y: Any) -> None:
    lines = options[4, 0] * options[4, 1]
    plain = options[2, 0] == 1 and options[2, 1] == 3 and options[2, 2] == 3
    plain = plain and options[1, 1] == 1 and options[1, 2] == 1
    for task in prange(planes):
        plane = np.int64(task)
        line = 0
        while line < lines:
            top = line % options[4, 1] - options[0, 1]  # the first line of the input that is read
            whole = line % options[4, 1] + ROWS <= options[4, 1]
            if plain and whole and top >= 0 and top + ROWS + 2 <= options[3, 1]:
                _rows(x, w, bias, options, plane, line, y)
                line += ROWS
            else:
                _line(x, w, bias, options, plane, line, y)
                line += 1


@jit(**INNER)
def _line(x: Any, w: Any, bias: Any, options: Any, plane: int, line: int, y: Any) -> None:
    """Compute one line of an output plane."""
    depth, height, width = options[3]
    out1, out2 = options[4, 1], options[4, 2]
    kernel0, kernel1, kernel2 = options[2]
    c = plane % len(w)
    d0, h0 = line // out1 - options[0, 0], line % out1 - options[0, 1]
    to = (plane * options[4, 0] * out1 + line) * out2
    for j in range(0, out2, LANES):
        total = spread(y, bias[c])
        tap = 0
        for i in range(kernel0):
            d = d0 + i * options[1, 0]
            for k in range(kernel1):
                h = h0 + k * options[1, 1]
                inside = 0 <= d < depth and 0 <= h < height
                at = ((plane * depth + d) * height + h) * width
                for q in range(kernel2):
                    if inside:
                        left = j - options[0, 2] + q * options[1, 2]
                        if left >= 0 and left + LANES <= width:
                            total = total + load(x, at + left) * w[c, tap]
                        else:
                            some = load_within(x, at + left, -left, width - left)
                            total = total + some * w[c, tap]
                    tap += 1
        store_below(y, to + j, total, out2 - j)


@jit(**INNER)
def _rows(x: Any, w: Any, bias: Any, options: Any, plane: int, line: int, y: Any) -> None:
    """Compute ROWS lines of an output plane from the ROWS + 2 lines of the input that they read."""
    height, width, out1, out2 = options[3, 1], options[3, 2], options[4, 1], options[4, 2]
    c, d = plane % len(w), line // out1 - options[0, 0]
    if not 0 <= d < options[3, 0]:
        for i in range(ROWS):
            _line(x, w, bias, options, plane, line + i, y)
        return
    to = (plane * options[4, 0] * out1 + line) * out2
    start = ((plane * options[3, 0] + d) * height + line % out1 - options[0, 1]) * width
    taps = w[c]
    for j in range(0, out2, LANES):
        left = j - options[0, 2]
        at = start + left
        a = b = e = f = spread(y, bias[c])
        for q in range(3):
            low, high = -left - q, width - left - q
            w0, w1, w2 = taps[q], taps[3 + q], taps[6 + q]
            row = load_within(x, at + q, low, high)
            a = a + row * w0
            row = load_within(x, at + q + width, low, high)
            a, b = a + row * w1, b + row * w0
            row = load_within(x, at + q + 2 * width, low, high)
            a, b, e = a + row * w2, b + row * w1, e + row * w0
            row = load_within(x, at + q + 3 * width, low, high)
            b, e, f = b + row * w2, e + row * w1, f + row * w0
            row = load_within(x, at + q + 4 * width, low, high)
            e, f = e + row * w2, f + row * w1
            row = load_within(x, at + q + 5 * width, low, high)
            f = f + row * w2
        store_below(y, to + j, a, out2 - j)
        store_below(y, to + j + out2, b, out2 - j)
        store_below(y, to + j + 2 * out2, e, out2 - j)
        store_below(y, to + j + 3 * out2, f, out2 - j)
