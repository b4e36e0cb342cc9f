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
- Filters are packed so that the numbers of a tile lie side by side; few outputs per group
  (depthwise) use tiles of one row.

What it bought on two Zen 5 cores: 5³ filters, 16 channels, 143 ms unfolded and multiplied with
BLAS, 24 ms here; 3×3 depthwise, 128 channels at 128², 2.9 ms here, where it was not served before.

A task is a block of output lines × a range of channels, chosen by the shapes; every sum runs over
the taps in one order, so results don't depend on the number of threads.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numba import prange

from .geometry import Geometry
from .jit import jit
from .launch import exclusive, launch
from .lines import copy, fill, inner_range
from .product import COLUMNS, LINE_COLUMNS, ROWS, add_line, add_tile
from .scratch import scratch

TAPS = 512  # at a time: their filters, 16 kB, stay in the L1 cache
PIECE = 512  # columns of a long line
CACHE = 1 << 17  # numbers of the padded input that a task goes over again for each tile
TASKS = 8  # at least, where the shapes allow it
FEW = 3  # outputs a group, up to which single rows are faster than padded tiles of 8


class Plan(NamedTuple):
    """How one convolution reads its input; arrays, so that compiled code can take them."""

    padded: tuple[int, int, int, int]  # D, H, residues, W of a channel in the buffer
    plane: int  # numbers from one channel to the next
    before: tuple[int, int, int]  # padding in front; negative crops
    step: tuple[int, int, int]  # of the input from one output line to the next
    split: tuple[int, int, int]  # residues of the output lines and columns
    starts: Any  # (residues + 1,) where each residue's taps begin
    offsets: Any  # (taps,) in the buffer
    source: Any  # (taps,) in the filters, from a tile's first output on


def convolve(x: Any, w: Any, bias: Any, g: Geometry, groups: int) -> Any:
    """Convolve x (N, C, *size) with w (O, C/groups, *kernel): (N, O, *out)."""
    taps = math.prod(g.kernel)
    plan = _forward_plan(g, w.shape[1], taps, x.itemsize)
    per_group = len(w) // groups
    return _run(x, w, bias, plan, groups, per_group, w.shape[1] * taps, g.out)


def convolve_transposed(x: Any, w: Any, bias: Any, g: Geometry, groups: int) -> Any:
    """Apply the adjoint of the convolution g to x (N, O, *out), w (O, C/groups, *kernel)."""
    taps = math.prod(g.kernel)
    plan = _transposed_plan(g, len(w) // groups, w.shape[1], taps, x.itemsize)
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
    n, c = x.shape[:2]
    rows = 1 if per_group <= FEW else ROWS
    blocks = -(-per_group // rows)
    y = np.empty((n, groups * per_group, *out), x.dtype)
    columns = -(-out[2] // plan.split[2])  # of one residue
    pieces = -(-columns // PIECE)
    lines = out[0] * out[1]
    # lines whose input stays in the cache, and enough tasks for every thread
    reach = max(1, len(plan.offsets) // len(plan.starts[1:])) * plan.step[1]
    fit = 1 if pieces > 1 else max(1, CACHE // (reach * min(columns, PIECE)))
    units = min(fit, max(1, math.ceil(n * groups * lines * pieces / TASKS)))
    tasks = n * groups * math.ceil(lines * pieces / units)
    parts = min(blocks, max(1, math.ceil(TASKS / tasks)))
    shape = np.array([groups, blocks, per_group, pieces, units, parts])
    steps = np.array([plan.step, plan.split])
    with exclusive():
        packed = scratch("filters", (groups * blocks, len(plan.source), rows), x.dtype)
        launch(_pack, w, plan.source, blocks, per_group, output_step, w.size // groups, packed)
        padded, flat = np.array([*plan.padded, plan.plane]), x.reshape(-1)
        if plan.padded != (*x.shape[2:4], 1, x.shape[4]) or plan.plane != x[0, 0].size:
            flat = scratch("inputs", (n * c * plan.plane,), x.dtype)
            launch(_pad, x, np.array(plan.before), padded, flat)
        packed = packed.reshape(-1)
        launch(_convolve, flat, padded, packed, plan.starts, plan.offsets, bias, steps, shape, y)
    return y


@functools.lru_cache(maxsize=256)
def _forward_plan(g: Geometry, channels: int, taps: int, itemsize: int) -> Plan:
    """A convolution: the last axis of the buffer is split into the residues of the stride."""
    need = [(g.out[a] - 1) * g.stride[a] + (g.kernel[a] - 1) * g.dilation[a] + 1 for a in range(3)]
    split = g.stride[2]
    width = -(-need[2] // split)
    padded = (need[0], need[1], split, width)
    c, i, j, k = np.indices((channels, *g.kernel)).reshape(4, -1)
    at = k * g.dilation[2]
    plane = _plane(padded, g.size, g.padding, itemsize)
    line = i * g.dilation[0] * need[1] + j * g.dilation[1]
    offsets = c * plane + (line * split + at % split) * width + at // split
    return Plan(
        padded,
        plane,
        g.padding,
        (g.stride[0], g.stride[1], 1),
        (1, 1, 1),
        np.array([0, len(offsets)]),
        offsets,
        np.arange(channels * taps),
    )


@functools.lru_cache(maxsize=256)
def _transposed_plan(g: Geometry, inputs: int, channels: int, taps: int, itemsize: int) -> Plan:
    """A convolution's adjoint: for each residue of the stride, the taps that reach it.

    Output s·j + r receives tap k from the input j + (r + p − k·d) / s, where that is whole.
    """
    reach: list[list[list[tuple[int, int]]]] = []  # by axis, by residue: (tap, offset)
    for a in range(3):
        s, p, d = g.stride[a], g.padding[a], g.dilation[a]
        reach.append(
            [
                [
                    (k, (r + p - k * d) // s)
                    for k in reversed(range(g.kernel[a]))  # the buffer is read forwards
                    if (r + p - k * d) % s == 0
                ]
                for r in range(s)
            ]
        )
    before, padded = [], []
    for a in range(3):
        all_offsets = [offset for residue in reach[a] for _, offset in residue] or [0]
        before.append(-min(all_offsets))
        outputs = -(-g.size[a] // g.stride[a])
        padded.append(outputs + max(all_offsets) + before[a])
    fits = (padded[0], padded[1], 1, padded[2])
    plane = _plane(fits, g.out, (before[0], before[1], before[2]), itemsize)
    starts, offsets, source = [0], [], []
    for r0 in range(g.stride[0]):
        for r1 in range(g.stride[1]):
            for r2 in range(g.stride[2]):
                tap = [
                    ((i * g.kernel[1] + j) * g.kernel[2] + k, (a, b, c))
                    for i, a in reach[0][r0]
                    for j, b in reach[1][r1]
                    for k, c in reach[2][r2]
                ]
                o = np.arange(inputs)[:, None]
                where = np.array(
                    [
                        ((a + before[0]) * padded[1] + b + before[1]) * padded[2] + c + before[2]
                        for _, (a, b, c) in tap
                    ],
                    np.int64,
                )
                offsets.append((o * plane + where).reshape(-1))
                number = np.array([t for t, _ in tap], np.int64)
                source.append((o * channels * taps + number).reshape(-1))
                starts.append(starts[-1] + len(offsets[-1]))
    return Plan(
        fits,
        plane,
        (before[0], before[1], before[2]),
        (1, 1, 1),
        g.stride,
        np.array(starts),
        np.concatenate(offsets),
        np.concatenate(source),
    )


def _plane(
    padded: tuple[int, int, int, int],
    size: tuple[int, int, int],
    before: tuple[int, int, int],
    itemsize: int,
) -> int:
    """Return the distance between the buffer's channels.

    An odd number of cache lines: at a power of two, all channels would share one set of the cache.
    If the input can be read where it is, its own.
    """
    if padded == (size[0], size[1], 1, size[2]) and before == (0, 0, 0):
        return math.prod(size)
    lines = -(-math.prod(padded) * itemsize // 64) | 1
    return lines * 64 // itemsize


@jit(parallel=True)
def _pack(
    w: Any, source: Any, blocks: int, per_group: int, step: int, group_step: int, packed: Any
) -> None:
    """packed[block, t, m] = the filter of the block's output m at tap t, zero beyond the last."""
    flat = w.reshape(-1)
    rows = packed.shape[2]
    for block in prange(len(packed)):
        group, first = block // blocks, (block % blocks) * rows
        count = min(rows, per_group - first)
        base = group * group_step + first * step
        for t in range(len(source)):
            at = base + source[t]
            for m in range(count):
                packed[block, t, m] = flat[at + m * step]
            for m in range(count, rows):
                packed[block, t, m] = 0


@jit(parallel=True)
def _pad(x: Any, before: Any, padded: Any, buffer: Any) -> None:
    """Copy x (N, C, D, H, W) with zeros around it, the last axis split into residues."""
    depth, height, split, width, plane = padded
    n, c, size0, size1, size2 = x.shape
    for task in prange(n * c * depth):
        channel, d = task // depth, task % depth - before[0]
        for i in range(height):
            h = i - before[1]
            inside = 0 <= d < size0 and 0 <= h < size1
            for r in range(split):
                to = channel * plane + ((task % depth * height + i) * split + r) * width
                line = buffer[to : to + width]
                if not inside:
                    fill(line, 0)
                    continue
                # line[j] holds source column j · split + r − before
                low, high = inner_range(width, size2, split, r - before[2])
                fill(line[:low], 0)
                fill(line[high:], 0)
                source = x[channel // c, channel % c, d, h]
                copy(source[low * split + r - before[2] :], line[low:high], split)


@jit(parallel=True)
def _convolve(
    x: Any,
    padded: Any,
    packed: Any,
    starts: Any,
    offsets: Any,
    bias: Any,
    steps: Any,
    shape: Any,
    y: Any,
) -> None:
    groups, blocks, per_group, pieces, units, parts = shape
    n, outputs, depth, height, width = y.shape
    rows = ROWS if per_group > FEW else 1
    weave = steps[1, 2]
    columns = (width + weave - 1) // weave
    line, plane = padded[2] * padded[3], padded[4]
    inputs = len(x) // (plane * n * groups)  # channels a group
    all_units = depth * height * pieces
    spans = (all_units + units - 1) // units
    for task in prange(n * groups * spans * parts):
        part, rest = task % parts, task // parts
        span, rest = rest % spans, rest // spans
        group, sample = rest % groups, rest // groups
        piece_columns = min(columns, PIECE)
        through = weave > 1 or per_group % rows != 0  # sums that can't stand in y itself
        scratch = np.empty(rows * units * weave * piece_columns if through else 0, y.dtype)
        x_sample = (sample * groups + group) * inputs * plane
        for block in range(part * blocks // parts, (part + 1) * blocks // parts):
            first = block * rows
            count = min(rows, per_group - first)
            w_block = (group * blocks + block) * len(offsets) * rows
            o = group * per_group + first
            # chunks of taps outside, lines inside: a chunk's filters stay in the L1 cache
            begin = True
            chunk = 0
            while begin or chunk < _most_taps(starts):
                for unit in range(span * units, min((span + 1) * units, all_units)):
                    d, h = unit // pieces // height, unit // pieces % height
                    j0 = unit % pieces * PIECE
                    j1 = min(j0 + PIECE, columns)
                    x_line = (
                        x_sample
                        + j0
                        + (
                            d // steps[1, 0] * steps[0, 0] * padded[1]
                            + h // steps[1, 1] * steps[0, 1]
                        )
                        * line
                    )
                    residue = (d % steps[1, 0] * steps[1, 1] + h % steps[1, 1]) * weave
                    for q in range(weave):
                        t0 = min(starts[residue + q] + chunk, starts[residue + q + 1])
                        t1 = min(t0 + TAPS, starts[residue + q + 1])
                        if through:
                            target = scratch
                            at = ((unit - span * units) * weave + q) * rows * piece_columns
                            step = piece_columns
                        else:
                            target = y.reshape(-1)
                            at = (((sample * outputs + o) * depth + d) * height + h) * width + j0
                            step = depth * height * width
                        if begin:
                            for m in range(rows):
                                value = bias[o + m] if m < count else bias[o]
                                target[at + m * step : at + m * step + j1 - j0] = value
                        if rows == 1:
                            for j in range(0, j1 - j0, LINE_COLUMNS):
                                add_line(
                                    packed, w_block + t0, 1, x, x_line + j, offsets, t0, t1 - t0,
                                    target, at + j, step, j1 - j0 - j,
                                )  # fmt: skip
                        else:
                            for j in range(0, j1 - j0, COLUMNS):
                                add_tile(
                                    packed, w_block + t0 * ROWS, ROWS, x, x_line + j, offsets, t0,
                                    t1 - t0, target, at + j, step, j1 - j0 - j,
                                )  # fmt: skip
                chunk += TAPS
                begin = False
            if through:
                _weave(scratch, span * units, min((span + 1) * units, all_units), weave, rows,
                       piece_columns, pieces, count, y[sample, o : o + count])  # fmt: skip


@jit()
def _most_taps(starts: Any) -> int:
    most = 0
    for r in range(len(starts) - 1):
        most = max(most, starts[r + 1] - starts[r])
    return most


@jit()
def _weave(
    scratch: Any, begin: int, end: int, weave: int, rows: int, stride: int, pieces: int,
    count: int, y: Any,
) -> None:  # fmt: skip
    """Write a task's sums to y, the residues of the last axis side by side."""
    _, _, height, width = y.shape
    columns = (width + weave - 1) // weave
    for unit in range(begin, end):
        d, h = unit // pieces // height, unit // pieces % height
        j0 = unit % pieces * PIECE
        j1 = min(j0 + PIECE, columns)
        for m in range(count):
            line = y[m, d, h][j0 * weave : j1 * weave]
            at = ((unit - begin) * weave * rows + m) * stride
            if weave == 2 and len(line) == 2 * (j1 - j0):
                even, odd = scratch[at : at + j1 - j0], scratch[at + rows * stride :]
                for j in range(len(even)):
                    line[2 * j] = even[j]
                    line[2 * j + 1] = odd[j]
                continue
            for q in range(weave):
                sums, out = scratch[at + q * rows * stride :], line[q:]
                for j in range((len(out) + weave - 1) // weave):
                    out[j * weave] = sums[j]
