"""A convolution's gradient with respect to its filters, as sums over pixels.

    dw[o, c, k] = Σ_p dy[o, p] · x[c, p · stride + k · dilation − padding]

The sum runs over pixels, so pixels must not be the neighbours of a register tile. Both arrays are
turned to channels last: then the neighbours are channels of x (for a dilation of 1 on the last
axis even taps and channels, as x[p + k, c] follows x[p, c]), and each pixel is one step of
`product.add_tile`, whose w is dy and whose offsets are the pixels' places:

    dw[o, (k, c)] += dy[p, o] · x[place[p] + (k, c)]       ROWS × COLUMNS sums in registers

Nothing is unfolded, and no thread waits for another: each takes some outputs and all pixels.
Sums run over the pixels in one order, whatever the number of threads.

Where tiles would be mostly empty, as for few channels or outputs a group, filters are sums of
products of lines instead.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from ..geometry import Geometry
from . import phases, winograd_gradient
from .arrays import lines_apart
from .choice import weight_algorithm
from .jit import jit
from .launch import exclusive, launch
from .product import COLUMNS, ROWS, add_tile, set_tile
from .scratch import scratch
from .shuffles import transpose_tile
from .vector import INNER, LANES, load, load_within, store

PIXELS = 128  # whose products are added at a time: their dy, in L2, serves all taps
TASKS = 8  # at least, where the shapes allow it


def weight_gradient(dy: Any, x: Any, g: Geometry, groups: int) -> Any:
    """Return dw (O, C/groups, *kernel) of y (N, O, *out) = the convolution g of x (N, C, *size)."""
    n, o = dy.shape[:2]
    channels, outputs = x.shape[1] // groups, o // groups
    dw = np.empty((o, channels, *g.kernel), x.dtype)
    how = weight_algorithm(channels, outputs, g, groups)
    if how == "winograd":
        winograd_gradient.weight_gradient(dy, x, g.padding, dw)
        return dw
    if how == "phases":
        phases.weight_gradient(dy, x, g, dw)
        return dw
    need = [(g.out[a] - 1) * g.stride[a] + (g.kernel[a] - 1) * g.dilation[a] + 1 for a in range(3)]
    before = np.array(g.padding)
    steps = np.array([g.stride, g.dilation])
    # few channels: the taps of a line, which lie beside them, fill the tile with them
    run = g.kernel[2] if g.dilation[2] == 1 and channels < COLUMNS else 1
    if g.stride[2] == 1 and _by_lines(outputs, channels, math.prod(g.kernel), run):
        shifts = np.indices(g.kernel).reshape(3, -1) * np.reshape(g.dilation, (3, 1))
        sizes = np.array([x.shape, dy.shape])
        launch(_multiply_lines, dy.reshape(-1), x.reshape(-1), sizes, shifts - before[:, None],
               steps[0], dw.reshape(o, channels, -1))  # fmt: skip
        return dw
    padded_outputs = -(-outputs // ROWS) * ROWS
    x_step = channels if run > 1 else lines_apart(channels, x.itemsize)
    taps = math.prod(g.kernel) // run
    lines = max(1, PIXELS // g.out[2])
    h, w = np.indices((min(lines, g.out[1]), g.out[2])).reshape(2, -1)
    places = (h * g.stride[1] * need[2] + w * g.stride[2]) * x_step
    blocks = padded_outputs // ROWS
    parts = min(blocks, max(1, math.ceil(TASKS / groups)))
    tap_parts = min(taps, max(1, math.ceil(TASKS / groups / parts)))
    shape = np.array([parts, tap_parts, lines, run])
    with exclusive():
        dy_last = scratch(
            "products", (groups, n, *g.out, lines_apart(padded_outputs, x.itemsize)), x.dtype
        )
        x_last = scratch("inputs", (groups, n, *need, x_step), x.dtype)
        sums = scratch("filters", (groups, padded_outputs, taps, run * channels), x.dtype)
        launch(_channels_last, dy, np.zeros(3, np.int64), dy_last)
        launch(_channels_last, x, before, x_last)
        launch(_multiply, dy_last, x_last, places, shape, steps, sums, np.array(g.kernel))
        launch(_channels_first, sums, run, dw.reshape(o, channels, -1))
    return dw


def _by_lines(outputs: int, channels: int, taps: int, run: int) -> bool:
    """Whether products of lines cost less than tiles: cycles per pixel of a group, estimated.

    A tile is computed whole, LANES numbers twice a cycle, from arrays that must be turned first; a
    line takes three cycles for LANES products.
    """
    columns = -(-run * channels // COLUMNS) * COLUMNS * taps // run
    tiles = -(-outputs // ROWS) * ROWS * columns / (2 * LANES) + channels + outputs
    return 3 * outputs * channels * taps / LANES < tiles


@jit(parallel=True)
def _multiply(dy: Any, x: Any, places: Any, shape: Any, steps: Any, sums: Any, kernel: Any) -> None:
    parts, tap_parts, lines, run = shape
    groups, n, depth, height, width, dy_step = dy.shape
    _, _, size0, size1, size2, channels = x.shape
    _, outputs, taps, row = sums.shape
    blocks = outputs // ROWS
    taps2 = kernel[2] // run
    for task in prange(groups * parts * tap_parts):
        group, part, tap_part = (
            task // tap_parts // parts,
            task // tap_parts % parts,
            task % tap_parts,
        )
        for plane in range(n * depth):
            for h in range(0, height, lines):
                pixels = min(lines, height - h) * width
                dy_at = ((group * n * depth + plane) * height + h) * width * dy_step
                x_base = (
                    ((group * n + plane // depth) * size0 + plane % depth * steps[0, 0]) * size1
                    + h * steps[0, 1]
                ) * size2
                for tap in range(tap_part * taps // tap_parts, (tap_part + 1) * taps // tap_parts):
                    i, j = tap // taps2 // kernel[1], tap // taps2 % kernel[1]
                    k = tap % taps2
                    x_at = (
                        x_base
                        + (i * steps[1, 0] * size1 + j * steps[1, 1]) * size2
                        + k * steps[1, 2]
                    ) * channels
                    for column in range(0, row, COLUMNS):
                        for block in range(part * blocks // parts, (part + 1) * blocks // parts):
                            at = ((group * outputs + block * ROWS) * taps + tap) * row + column
                            if plane == 0 and h == 0:
                                set_tile(dy, dy_at + block * ROWS, dy_step, x, x_at + column,
                                         places, 0, pixels, sums, at, taps * row,
                                         row - column)  # fmt: skip
                            else:
                                add_tile(dy, dy_at + block * ROWS, dy_step, x, x_at + column,
                                         places, 0, pixels, sums, at, taps * row,
                                         row - column)  # fmt: skip


@jit(parallel=True)
def _channels_first(sums: Any, run: int, dw: Any) -> None:
    """dw[o, c, (tap, k)] = sums[group, o, tap, (k, c)]."""
    outputs = len(dw) // len(sums)
    channels = dw.shape[1]
    for o in prange(len(dw)):
        source = sums[o // outputs, o % outputs]
        for tap in range(sums.shape[2]):
            for k in range(run):
                for c in range(channels):
                    dw[o, c, tap * run + k] = source[tap, k * channels + c]


@jit(parallel=True)
def _channels_last(x: Any, before: Any, last: Any) -> None:
    """Pad x (N, groups · C, *size) to last (groups, N, *padded, C'), with zeros also beyond C."""
    groups, n, depth, height, width, padded_channels = last.shape
    channels = x.shape[1] // groups
    _, _, size0, size1, size2 = x.shape
    plane = size0 * size1 * size2
    for line in prange(groups * n * depth * height):
        h, rest = line % height, line // height
        d, sample = rest % depth, rest // depth
        group, sample = sample // n, sample % n
        to = line * width * padded_channels
        target = last.reshape(-1)[to : to + width * padded_channels]
        d, h = d - before[0], h - before[1]
        if not (0 <= d < size0 and 0 <= h < size1):
            target[:] = 0
            continue
        first = min(width, max(0, before[2]))
        stop = max(first, min(width, size2 + before[2]))
        target[: first * padded_channels] = 0
        target[stop * padded_channels :] = 0
        base = ((sample * groups + group) * channels * size0 + d) * size1 * size2 + h * size2
        base -= before[2]  # of column 0 of the padded line
        whole = channels - channels % LANES
        square = stop - (stop - first) % LANES
        for c in range(0, whole, LANES):
            for i in range(first, square, LANES):
                at = base + c * plane + i
                transpose_tile(x, at, plane, last, to + i * padded_channels + c, padded_channels)
        flat = x.reshape(-1)
        for c in range(padded_channels):
            begin = square if c < whole else first
            if c < channels:
                for i in range(begin, stop):
                    target[i * padded_channels + c] = flat[base + c * plane + i]
            else:
                for i in range(begin, stop):
                    target[i * padded_channels + c] = 0


@jit(parallel=True)
def _multiply_lines(dy: Any, x: Any, sizes: Any, shifts: Any, stride: Any, dw: Any) -> None:
    """For each output and channel, the sums of the products of all lines, tap by tap."""
    for task in prange(dw.shape[0] * dw.shape[1]):
        _filter(np.int64(task), dy, x, sizes, shifts, stride, dw)


@jit(**INNER)
def _filter(task: int, dy: Any, x: Any, sizes: Any, shifts: Any, stride: Any, dw: Any) -> None:
    n, all_channels, size0, size1, size2 = sizes[0]
    _, outputs, depth, height, width = sizes[1]
    _, channels, taps = dw.shape
    per_group = outputs // (all_channels // channels)
    o, c = task // channels, task % channels
    source = o // per_group * channels + c
    sums = np.zeros(taps * LANES, x.dtype)
    for line in range(n * depth * height):
        sample, d, h = line // height // depth, line // height % depth, line % height
        dy_at = (((sample * outputs + o) * depth + d) * height + h) * width
        for tap in range(taps):
            z, y = d * stride[0] + shifts[0, tap], h * stride[1] + shifts[1, tap]
            if 0 <= z < size0 and 0 <= y < size1:
                left = shifts[2, tap]
                x_at = (((sample * all_channels + source) * size0 + z) * size1 + y) * size2 + left
                _add_line(dy, dy_at, width, x, x_at, left, size2, sums, tap * LANES)
    for tap in range(taps):
        total = sums[tap * LANES]
        for lane in range(1, LANES):
            total += sums[tap * LANES + lane]
        dw[o, c, tap] = total


@jit(**INNER)
def _add_line(
    dy: Any, dy_at: int, width: int, x: Any, x_at: int, left: int, size: int, sums: Any, at: int
) -> None:
    """Add dy[p] · x[p + left], where that lies inside the line, to LANES sums."""
    total = load(sums, at)
    for p in range(0, width, LANES):
        if left + p >= 0 and left + p + LANES <= size and p + LANES <= width:
            total = total + load(dy, dy_at + p) * load(x, x_at + p)
        else:
            # where either is outside, the product must not be 0 · inf
            low, high = -(left + p), min(width - p, size - left - p)
            some = load_within(x, x_at + p, low, high)
            total = total + load_within(dy, dy_at + p, low, high) * some
    store(sums, at, total)
