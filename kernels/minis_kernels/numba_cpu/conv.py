"""Convolution and its gradients: tiled im2col, with the tiles shared among threads.

The NumPy text unfolds a block of windows with one thread and multiplies it with several. Here each
thread takes whole blocks: it unfolds one into a buffer that stays in its L2 cache, multiplies it
with a BLAS of one thread while it is there, and goes on. Nothing is allocated per block, and no
thread waits for another.

    forward  blocks of output lines         product = W · columns
    dx       samples × blocks of channels   columns = Wᵀ · dy, folded back; no two threads share
                                            a channel, so adding needs no lock
    dw       blocks of channels × shares    dwᵀ += columns · dyᵀ over a share of the lines; the
             of the lines                   shares are then added in a fixed order

Shares and blocks depend on the shapes alone, so results don't depend on the number of threads.

Measured on one Zen 5 core, 8 samples of 8 → 8 channels at 96²: unfolding takes 0.7 ms with its
inner loops inlined and 3.7 ms written plainly; dw takes 2.2 ms with products of at least 64 rows
and 5.8 ms with the 9 rows that one channel has.

It declines groups, and lines so long that the columns of one would leave the cache, such as those
of long 1-D signals: the NumPy text serves them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import get_num_threads, prange

from .geometry import (
    KERNEL,
    LONGEST_LINE,
    OUT,
    Geometry,
    conv_geometry,
    lines_per_block,
    servable,
    with_three_axes,
)
from .jit import jit
from .launch import launch
from .unfold import add, add_constant, fold, take_lines, unfold

ROWS = 64  # of a matrix product, at least: BLAS is slow on flat matrices
TASKS = 8  # pieces to cut the work into, at least, where the shapes allow it


def conv(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolve: `minis.ops.conv`, for groups = 1."""
    g = _served(x, w, stride, padding, dilation, groups)
    if g is None or (b is not None and (not servable(x, b) or b.shape != (len(w),))):
        return NotImplemented
    n, o = len(x), len(w)
    y = np.empty((n, o, g.out[0] * g.out[1] * g.out[2]), x.dtype)
    bias = np.zeros(o, x.dtype) if b is None else np.ascontiguousarray(b)
    matrix = np.ascontiguousarray(w).reshape(o, -1)
    lines = lines_per_block(matrix.shape[1], g, math.ceil(TASKS / n))
    launch(_forward, with_three_axes(x), matrix, bias, np.array(g), lines, get_num_threads(), y)
    return y.reshape(n, o, *g.out[5 - x.ndim :])  # without the axes added in front


def conv_backward(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Gradients of a convolution: `minis.ops.conv_backward`, for groups = 1."""
    g = _served(x, w, stride, padding, dilation, groups)
    if g is None or not servable(x, dy) or dy.shape != (len(x), len(w), *g.out[5 - x.ndim :]):
        return NotImplemented
    dx = input_gradient(dy, w, g).reshape(x.shape)
    dw = weight_gradient(dy, x, g).reshape(w.shape)
    return dx, dw, dy.sum(axis=(0, *range(2, dy.ndim)))


def input_gradient(dy: Any, w: Any, g: Geometry) -> Any:
    """Fold Wᵀ · dy back onto the input: (N, C, D, H, W)."""
    n, c = len(dy), w.shape[1]
    dx = np.zeros((n, c, *g.size), dy.dtype)
    channels = max(1, c // math.ceil(TASKS / n))
    taps = math.prod(g.kernel)
    # (O, C·k) -> (C·k, O), so that a block of channels is a block of rows
    transposed = np.ascontiguousarray(w.reshape(len(w), c * taps).T)
    lines = lines_per_block(channels * taps + len(w), g, 1)
    flat = np.ascontiguousarray(dy).reshape(n, len(w), -1)
    launch(_input_gradient, flat, transposed, np.array(g), lines, channels, get_num_threads(), dx)
    return dx


def weight_gradient(dy: Any, x: Any, g: Geometry) -> Any:
    """Sum dy · columnsᵀ over all windows: (O, C·k)."""
    n, o, c = len(dy), dy.shape[1], x.shape[1]
    taps = math.prod(g.kernel)
    channels = min(c, max(c // TASKS, math.ceil(ROWS / taps)))
    shares = math.ceil(TASKS / math.ceil(c / channels))
    lines = lines_per_block(channels * taps + o, g, 1)
    partial = np.zeros((shares, c * taps, o), x.dtype)
    flat = np.ascontiguousarray(dy).reshape(n, o, -1)
    launch(
        _weight_gradient,
        flat,
        with_three_axes(x),
        np.array(g),
        lines,
        channels,
        get_num_threads(),
        partial,
    )
    return partial.sum(axis=0).T


def _served(
    x: Any, w: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Geometry | None:
    if not servable(x, w) or not 3 <= x.ndim <= 5 or w.ndim != x.ndim or type(groups) is not int:
        return None
    if groups != 1 or x.shape[1] != w.shape[1]:
        return None
    g = conv_geometry(x.shape[2:], w.shape[2:], stride, padding, dilation)
    if g is None or w[0].size * g.out[2] > LONGEST_LINE:
        return None
    return g


@jit(parallel=True)
def _forward(x: Any, matrix: Any, bias: Any, g: Any, lines: int, workers: int, y: Any) -> None:
    o, column = matrix.shape
    width = g[OUT, 2]
    all_lines = g[OUT, 0] * g[OUT, 1]
    blocks = (all_lines + lines - 1) // lines
    for worker in prange(workers):
        columns_buffer = np.empty(column * lines * width, x.dtype)
        product_buffer = np.empty(o * lines * width, x.dtype)
        for task in range(worker, len(x) * blocks, workers):
            n, first = task // blocks, (task % blocks) * lines
            last = min(first + lines, all_lines)
            length = (last - first) * width
            columns = columns_buffer[: column * length].reshape(column, length)
            product = product_buffer[: o * length].reshape(o, length)
            unfold(x[n], first, last, g, columns)
            np.dot(matrix, columns, product)  # (O, C·k) · (C·k, L) -> (O, L)
            for k in range(o):
                add_constant(product[k], bias[k], y[n, k, first * width : last * width])


@jit(parallel=True)
def _input_gradient(
    dy: Any, transposed: Any, g: Any, lines: int, channels: int, workers: int, dx: Any
) -> None:
    o = dy.shape[1]
    width = g[OUT, 2]
    all_lines = g[OUT, 0] * g[OUT, 1]
    taps = g[KERNEL, 0] * g[KERNEL, 1] * g[KERNEL, 2]
    pieces = (dx.shape[1] + channels - 1) // channels
    for worker in prange(workers):
        dy_buffer = np.empty(o * lines * width, dy.dtype)
        columns_buffer = np.empty(channels * taps * lines * width, dy.dtype)
        for task in range(worker, len(dy) * pieces, workers):
            n, c0 = task // pieces, (task % pieces) * channels
            c1 = min(c0 + channels, dx.shape[1])
            rows = (c1 - c0) * taps
            for first in range(0, all_lines, lines):
                last = min(first + lines, all_lines)
                length = (last - first) * width
                block = dy_buffer[: o * length].reshape(o, length)
                take_lines(dy[n], first * width, block)
                columns = columns_buffer[: rows * length].reshape(rows, length)
                # (c·k, O) · (O, L) -> (c·k, L)
                np.dot(transposed[c0 * taps : c1 * taps], block, columns)
                fold(columns, first, last, g, dx[n, c0:c1])


@jit(parallel=True)
def _weight_gradient(
    dy: Any, x: Any, g: Any, lines: int, channels: int, workers: int, partial: Any
) -> None:
    o = dy.shape[1]
    width = g[OUT, 2]
    all_lines = g[OUT, 0] * g[OUT, 1]
    taps = g[KERNEL, 0] * g[KERNEL, 1] * g[KERNEL, 2]
    pieces = (x.shape[1] + channels - 1) // channels
    blocks = (all_lines + lines - 1) // lines
    shares = len(partial)
    for worker in prange(workers):
        dy_buffer = np.empty(o * lines * width, dy.dtype)
        columns_buffer = np.empty(channels * taps * lines * width, dy.dtype)
        product_buffer = np.empty(channels * taps * o, dy.dtype)
        for task in range(worker, pieces * shares, workers):
            share, c0 = task // pieces, (task % pieces) * channels
            c1 = min(c0 + channels, x.shape[1])
            rows = (c1 - c0) * taps
            total = partial[share, c0 * taps : c1 * taps]
            product = product_buffer[: rows * o].reshape(rows, o)
            for part in range(share, len(dy) * blocks, shares):
                n, first = part // blocks, (part % blocks) * lines
                last = min(first + lines, all_lines)
                length = (last - first) * width
                block = dy_buffer[: o * length].reshape(o, length)
                take_lines(dy[n], first * width, block)
                columns = columns_buffer[: rows * length].reshape(rows, length)
                unfold(x[n, c0:c1], first, last, g, columns)
                np.dot(columns, block.T, product)  # (c·k, L) · (L, O) -> (c·k, O)
                for r in range(rows):
                    add(product[r], total[r], 1)
