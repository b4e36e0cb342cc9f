"""Convolution without unfolding: the sums of a tile of outputs stay in registers over all taps.

The NumPy text unfolds windows and multiplies. Here nothing is unfolded: the input is copied once
into a padded buffer, in which the neighbours of an output read neighbours of an input for every
tap, so `product.add_tile` needs only each tap's offset:

    y[o, p] = Σ_t w[o, t] · padded[offset[t] + p]        t runs over channels and kernel

- A stride along the last axis would tear neighbours apart: the buffer keeps each residue of the
  stride in a line of its own (`split`).
- A transposed convolution is `split` the other way round: outputs of one residue of the stride
  are a convolution of stride 1 with the taps that reach them, and are woven together at the end.
  This also is every convolution's gradient with respect to its input.
- Lines shorter than a tile leave most of it empty. Where the strides are 1, the lines of a plane
  lie one behind the other in the buffer, with only the padding between them: they are computed as
  one long line, padding and all, of which the outputs are kept (`_lines_at_once`).
- Filters are packed so that the numbers of a tile lie side by side; few outputs per group
  (depthwise) use tiles of one row.

What it bought on two Zen 5 cores: 5³ filters, 16 channels, 143 ms unfolded and multiplied with
BLAS, 24 ms here; 256 channels at 8³, 84 ms line by line, 30 ms a plane at once.

A task is a block of output lines × a range of channels, chosen by the shapes; every sum runs over
the taps in one order, so results don't depend on the number of threads.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import prange

from ..geometry import Geometry
from .jit import jit
from .launch import exclusive, launch, threads
from .plans import Plan, forward_plan, transposed_plan
from .product import COLUMNS, LINE_COLUMNS, ROWS, add_line, add_tile
from .scratch import scratch
from .vector import (
    INNER,
    LANES,
    every_second,
    half_woven,
    load,
    load_within,
    prefetch,
    spread,
    stay_apart,
    store_below,
)

TAPS = 512  # at a time: their filters, 16 kB, stay in the L1 cache
PIECE = 512  # columns of a long line
CACHE = 1 << 17  # numbers of the padded input that a task goes over again for each tile
TASKS = 8  # at least, where the shapes allow it
FEW = 3  # outputs a group, up to which single rows are faster than padded tiles of 8

AHEAD = 128  # taps: how early their filters are fetched for packing

PACK, PAD, CONVOLVE = range(3)  # the steps

first_half, second_half = half_woven(0), half_woven(1)


def convolve(x: Any, w: Any, bias: Any, g: Geometry, groups: int) -> Any:
    """Convolve x (N, C, *size) with w (O, C/groups, *kernel): (N, O, *out)."""
    taps = math.prod(g.kernel)
    plan = forward_plan(g, w.shape[1], taps, x.itemsize)
    per_group = len(w) // groups
    return _run(x, w, bias, plan, groups, per_group, w.shape[1] * taps, g.out)


def convolve_transposed(x: Any, w: Any, bias: Any, g: Geometry, groups: int) -> Any:
    """Apply the adjoint of the convolution g to x (N, O, *out), w (O, C/groups, *kernel)."""
    taps = math.prod(g.kernel)
    plan = transposed_plan(g, len(w) // groups, w.shape[1], taps, x.itemsize)
    return _run(x, w, bias, plan, groups, w.shape[1], taps, g.size)


def _run(
    x: Any,
    w: Any,
    bias: Any,
    plan: Plan,
    groups: int,
    per_group: int,
    output_step: int,
    out: tuple[int, int, int],
) -> Any:
    n, c, *size = x.shape
    rows = 1 if per_group <= FEW else ROWS
    blocks = -(-per_group // rows)
    y = np.empty((n, groups * per_group, *out), x.dtype)
    width = COLUMNS if rows > 1 else LINE_COLUMNS
    joined = _lines_at_once(plan, out, width)
    pitch = plan.padded[3]  # from a line of the buffer to the next
    long = out[0], out[1] // joined, (joined - 1) * pitch + out[2]  # what is computed as lines
    columns = -(-long[2] // plan.split[2])  # of one residue
    pieces = -(-columns // PIECE)
    lines = long[0] * long[1]
    # lines whose input stays in the cache, and enough tasks for every thread
    reach = max(1, len(plan.offsets) // len(plan.starts[1:])) * plan.step[1]
    fit = 1 if pieces > 1 else max(1, CACHE // (reach * min(columns, PIECE)))
    units = min(fit, max(1, math.ceil(n * groups * lines * pieces / TASKS)))
    tasks = n * groups * math.ceil(lines * pieces / units)
    parts = min(blocks, max(1, math.ceil(TASKS / tasks)))
    # sums that can't stand in y itself
    through = plan.split[2] > 1 or joined > 1 or per_group % rows != 0
    spare = rows * units * plan.split[2] * min(columns, PIECE) + LANES if through else 0
    steps = np.array([plan.before, size, plan.step, plan.split, long, (joined, pitch, out[2])])
    padded = np.array([*plan.padded, plan.plane])
    shape = np.array([n, groups, c // groups, blocks, per_group, rows, pieces, units, parts])
    strides = np.array([output_step, w.size // groups])
    x, w, result = x.reshape(-1), w.reshape(-1), y.reshape(-1)
    copied = plan.plane != math.prod(size) or plan.padded != (*size[:2], 1, size[2])
    with exclusive():
        packed = scratch("filters", (groups * blocks * len(plan.source) * rows,), x.dtype)
        sums = scratch("products", (threads(), spare), x.dtype)
        buffer = scratch("inputs", (n * c * plan.plane,), x.dtype) if copied else x
        sizes = shape, strides, steps, padded
        taps = plan.source, plan.starts, plan.offsets
        launch(_run_tasks, PACK, groups * blocks, *sizes, *taps, x, w, bias, buffer, packed, sums,
               result)  # fmt: skip
        if copied:
            launch(_run_tasks, PAD, n * c * padded[0], *sizes, *taps, x, w, bias, buffer, packed,
                   sums, result)  # fmt: skip
        launch(_run_tasks, CONVOLVE, tasks * parts, *sizes, *taps, x, w, bias, buffer, packed, sums,
               result)  # fmt: skip
    return y


def _lines_at_once(plan: Plan, out: tuple[int, int, int], width: int) -> int:
    """Return how many lines to compute as one: all of a plane if that takes fewer tiles, else 1."""
    height, line = out[1:]
    plain = plan.split[1:] == (1, 1) and plan.padded[2] == 1 and plan.step[1] == 1
    whole = (height - 1) * plan.padded[3] + line
    fewer = -(-whole // width) < -(-line // width) * height
    return height if plain and fewer and whole <= PIECE else 1


@jit(parallel=True)
def _run_tasks(
    step: int, tasks: int, shape: Any, strides: Any, steps: Any, padded: Any, source: Any,
    starts: Any, offsets: Any, x: Any, w: Any, bias: Any, buffer: Any, packed: Any, sums: Any,
    y: Any,
) -> None:  # fmt: skip
    """All tasks of one of the steps; a single function, which is compiled once."""
    for worker in prange(len(sums)):
        for task in range(np.int64(worker), tasks, len(sums)):
            if step == PACK:
                _pack(task, shape, strides, source, w, packed)
            elif step == PAD:
                _pad(task, steps, padded, x, buffer)
            else:
                _convolve(task, shape, steps, padded, starts, offsets, bias, buffer, packed,
                          sums[worker], y)  # fmt: skip


@jit(**INNER)
def _pack(block: int, shape: Any, strides: Any, source: Any, w: Any, packed: Any) -> None:
    """packed[block, t, m] = the filter of the block's output m at tap t, zero beyond the last."""
    stay_apart()
    blocks, per_group, rows = shape[3], shape[4], shape[5]
    first = block % blocks * rows
    count = min(rows, per_group - first)
    base = block // blocks * strides[1] + first * strides[0]
    to = block * len(source) * rows
    for t in range(len(source)):
        at = base + source[t]
        soon = source[min(t + AHEAD, len(source) - 1)]
        prefetch(w, base + soon + t % rows * strides[0])  # the adjoint's taps lie far apart
        for m in range(count):
            packed[to + m] = w[at + m * strides[0]]
        for m in range(count, rows):
            packed[to + m] = 0
        to += rows


@jit(**INNER)
def _pad(task: int, steps: Any, padded: Any, x: Any, buffer: Any) -> None:
    """Copy a plane of x with zeros around it, the last axis split into residues."""
    stay_apart()
    depth, height, split, width, plane = padded
    size0, size1, size2 = steps[1]
    channel, d = task // depth, task % depth - steps[0, 0]
    to = channel * plane + task % depth * height * split * width
    for i in range(height):
        h = i - steps[0, 1]
        line = ((channel * size0 + d) * size1 + h) * size2
        high = size2 if 0 <= d < size0 and 0 <= h < size1 else 0
        for r in range(split):
            left = r - steps[0, 2]  # buffer[to + j] holds column j · split + left
            if split == 1:
                for j in range(0, width, LANES):
                    values = load_within(x, line + j + left, -left - j, high - left - j)
                    store_below(buffer, to + j, values, width - j)
            elif split == 2:
                for j in range(0, width, LANES):
                    column = 2 * j + left
                    a = load_within(x, line + column, -column, high - column)
                    column += LANES
                    b = load_within(x, line + column, -column, high - column)
                    store_below(buffer, to + j, every_second(a, b), width - j)
            else:
                for j in range(width):
                    column = j * split + left
                    buffer[to + j] = x[line + column] if 0 <= column < high else 0
            to += width


@jit(**INNER)
def _convolve(
    task: int, shape: Any, steps: Any, padded: Any, starts: Any, offsets: Any, bias: Any,
    x: Any, packed: Any, sums: Any, y: Any,
) -> None:  # fmt: skip
    """A block of output lines of some channels."""
    stay_apart()
    _, groups, inputs, blocks, per_group, rows, pieces, units, parts = shape
    depth, height, width = steps[4]
    weave = steps[3, 2]
    columns = (width + weave - 1) // weave
    line, plane = padded[2] * padded[3], padded[4]
    all_units = depth * height * pieces
    spans = (all_units + units - 1) // units
    part, span, rest = task % parts, task // parts % spans, task // parts // spans
    group, sample = rest % groups, rest // groups
    piece_columns = min(columns, PIECE)
    through = len(sums) > 0  # sums are gathered there, and then woven into y
    most = 1
    for r in range(len(starts) - 1):
        most = max(most, starts[r + 1] - starts[r])
    for block in range(part * blocks // parts, (part + 1) * blocks // parts):
        o = group * per_group + block * rows
        count = min(rows, per_group - block * rows)
        w_block = (group * blocks + block) * len(offsets) * rows
        # chunks of taps outside, lines inside: a chunk's filters stay in the L1 cache
        for chunk in range(0, most, TAPS):
            for unit in range(span * units, min((span + 1) * units, all_units)):
                d, h = unit // pieces // height, unit // pieces % height
                j0 = unit % pieces * PIECE
                size = min(PIECE, columns - j0)
                x_line = (
                    (sample * groups + group) * inputs * plane
                    + j0
                    + (d // steps[3, 0] * steps[2, 0] * padded[1] + h // steps[3, 1] * steps[2, 1])
                    * line
                )
                residue = (d % steps[3, 0] * steps[3, 1] + h % steps[3, 1]) * weave
                for q in range(weave):
                    t0 = min(starts[residue + q] + chunk, starts[residue + q + 1])
                    taps = min(TAPS, starts[residue + q + 1] - t0)
                    w_at = w_block + t0 * rows
                    target, step = y, depth * height * width
                    at = ((sample * groups * per_group + o) * depth + d) * height * width
                    at += h * width + j0  # in y, where no lines are joined
                    if through:
                        target, step = sums, piece_columns
                        at = ((unit - span * units) * weave + q) * rows * piece_columns
                    if chunk == 0:
                        for m in range(rows):
                            value = spread(y, bias[o + min(m, count - 1)])
                            for j in range(0, size, LANES):
                                store_below(target, at + m * step + j, value, size - j)
                    if rows == 1:
                        for j in range(0, size, LINE_COLUMNS):
                            add_line(packed, w_at, 1, x, x_line + j, offsets, t0, taps, target,
                                     at + j, step, size - j)  # fmt: skip
                    else:
                        for j in range(0, size, COLUMNS):
                            add_tile(packed, w_at, ROWS, x, x_line + j, offsets, t0, taps, target,
                                     at + j, step, size - j)  # fmt: skip
        if through:
            joined, pitch, kept = steps[5]
            for unit in range(span * units, min((span + 1) * units, all_units)):
                j0 = unit % pieces * PIECE
                size = min(PIECE, columns - j0)
                for m in range(count):
                    at = ((unit - span * units) * weave * rows + m) * piece_columns
                    to = (sample * groups * per_group + o + m) * depth * height
                    to = (to + unit // pieces) * joined * kept + j0 * weave
                    left = kept - j0 * weave
                    for k in range(joined):
                        _weave(sums, at + k * pitch, rows * piece_columns, weave, size, y,
                               to + k * kept, left)  # fmt: skip


@jit(**INNER)
def _weave(
    sums: Any, at: int, step: int, weave: int, size: int, y: Any, to: int, left: int
) -> None:
    """Write a line's residues side by side to y, which has `left` columns from `to` on."""
    if weave == 1:
        for j in range(0, min(size, left), LANES):
            store_below(y, to + j, load(sums, at + j), min(size, left) - j)
        return
    if weave == 2:
        for j in range(0, size, LANES):
            even, odd = load(sums, at + j), load(sums, at + step + j)
            store_below(y, to + 2 * j, first_half(even, odd), left - 2 * j)
            store_below(y, to + 2 * j + LANES, second_half(even, odd), left - 2 * j - LANES)
        return
    for q in range(weave):
        for j in range((min(left, size * weave) - q + weave - 1) // weave):
            y[to + j * weave + q] = sums[at + q * step + j]
