"""The steps of a direct convolution: filters are packed, the input is padded, tiles are summed.

What the arrays of sizes hold is written where they are made, in `direct`.
"""

from __future__ import annotations

from typing import Any

from .jit import jit
from .product import COLUMNS, LINE_COLUMNS, ROWS, add_line, add_tile
from .shuffles import every_second, half_woven
from .vector import INNER, LANES, load, load_within, prefetch, spread, stay_apart, store_below

TAPS = 512  # at a time: their filters, 16 kB, stay in the L1 cache
PIECE = 512  # columns of a long line
AHEAD = 128  # taps: how early their filters are fetched for packing

PACK, PAD, CONVOLVE = range(3)  # the steps

first_half, second_half = half_woven(0), half_woven(1)


@jit(**INNER)
def run_tasks_of(
    worker: int, workers: int, step: int, tasks: int, shape: Any, strides: Any, steps: Any,
    padded: Any, source: Any, starts: Any, offsets: Any, x: Any, w: Any, bias: Any, buffer: Any,
    packed: Any, sums: Any, y: Any,
) -> None:  # fmt: skip
    """Every so many tasks of a step: those of one worker."""
    for task in range(worker, tasks, workers):
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
