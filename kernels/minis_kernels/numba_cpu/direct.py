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

from ..geometry import Geometry
from .direct_steps import CONVOLVE, PACK, PAD, PIECE, run_tasks_of
from .launch import exclusive, threads
from .plans import Plan, forward_plan, transposed_plan
from .product import COLUMNS, LINE_COLUMNS, ROWS
from .scratch import scratch
from .vector import LANES
from .workers import on_all_threads

CACHE = 1 << 17  # numbers of the padded input that a task goes over again for each tile
TASKS = 8  # at least, where the shapes allow it
FEW = 3  # outputs a group, up to which single rows are faster than padded tiles of 8


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
        arrays = *sizes, *taps, x, w, bias, buffer, packed, sums, result
        on_all_threads(run_tasks_of, PACK, groups * blocks, *arrays)
        if copied:
            on_all_threads(run_tasks_of, PAD, n * c * padded[0], *arrays)
        on_all_threads(run_tasks_of, CONVOLVE, tasks * parts, *arrays)
    return y


def _lines_at_once(plan: Plan, out: tuple[int, int, int], width: int) -> int:
    """Return how many lines to compute as one: all of a plane if that takes fewer tiles, else 1."""
    height, line = out[1:]
    plain = plan.split[1:] == (1, 1) and plan.padded[2] == 1 and plan.step[1] == 1
    whole = (height - 1) * plan.padded[3] + line
    fewer = -(-whole // width) < -(-line // width) * height
    return height if plain and fewer and whole <= PIECE else 1
