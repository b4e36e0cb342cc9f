"""Convolutions of tiny groups on the GPU, by `sources/depthwise.cu`: no tiles, no tensor cores."""

from __future__ import annotations

import math
from typing import Any

from .arrays import namespace
from .conv_plan import Plan
from .conv_sums import add_parts
from .conv_weights import Filters
from .grid import THREADS, blocks_for
from .program import Program

PROGRAM = Program("depthwise.cu")
MOST_ROWS = 65535  # of a grid
AT_ONCE = 9  # taps, as in depthwise.cu
EACH = 16  # pixels of a thread, where there are enough


def serves(plan: Plan) -> bool:
    """Whether groups are so small that tiles of matrices would be nearly empty."""
    return plan.groups > 1 and plan.channels * plan.outputs <= 2


def convolve(x: Any, w: Filters, b: Any, plan: Plan, words: Any, taps: Any) -> Any:
    """Compute a plan on x (N, groups·channels, *size): (N, groups·outputs, *out)."""
    channels = plan.groups * plan.outputs
    xp: Any = namespace(x)
    y = xp.empty((plan.batch, channels, *plan.out), x.dtype)
    grid = (blocks_for(plan.pixels), min(channels, MOST_ROWS), len(plan.classes))
    steps = (w.group_step, w.output_step, w.channel_step)
    run = PROGRAM.kernel("convolve", x.dtype)
    run(grid, THREADS, x, w.array, b, y, words, taps, *steps)
    return y


def weight_gradient(
    dy: Any, x: Any, shape: tuple[int, ...], plan: Plan, words: Any, taps: Any
) -> Any:
    """Return the gradient by filters of a shape, of the convolution that `plan` describes."""
    rows = plan.groups * plan.outputs * plan.channels
    count = math.prod(shape[2:])
    shares = max(1, min(blocks_for(1 << 40) // rows, plan.pixels // (THREADS * EACH)))
    xp: Any = namespace(x)
    parts = xp.empty((shares, *shape), x.dtype)
    run = PROGRAM.kernel("weight_gradient", x.dtype)
    grid = (shares, min(rows, MOST_ROWS), -(-count // AT_ONCE))
    run(grid, THREADS, dy, x, parts, words, taps)
    return parts[0] if shares == 1 else add_parts(parts, None, shape)
