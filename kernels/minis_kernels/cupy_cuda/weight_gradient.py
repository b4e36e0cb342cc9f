"""The gradient of a convolution's filters on the GPU: `sources/conv_weight_gradient_*.cu`.

Blocks share the sums over pixels: what each leaves of dw is added up by a second kernel, always in
the same order.
"""

from __future__ import annotations

import functools
import math
from typing import Any

from ..geometry import Geometry
from . import depthwise
from .arrays import namespace
from .conv_plan import forward_plan
from .conv_sums import add_parts
from .conv_tiles import COMMON, EXACT, Tile, count, parts, stages, tile_for
from .device import EMULATED, Device, device
from .gather import MOST, planned, program_of
from .precision import arithmetic
from .program import Program


def weight_gradient(dy: Any, x: Any, w: Any, g: Geometry, groups: int) -> Any:
    """Return the gradient by w (O, C/groups, *k) of the convolution from x to y.

    Parameters
    ----------
    dy, x : (N, O, *out), (N, C, *size) contiguous arrays
        The gradient by y, and the input.
    w : (O, C/groups, *k) array
        The filters, of which only the shape counts.
    g, groups
        The convolution.
    """
    outputs, channels = len(w) // groups, w.shape[1]
    plan, words, taps = planned(forward_plan, g, len(x), groups, channels, outputs)
    if not plan.fits or groups > MOST:
        return NotImplemented
    if depthwise.serves(plan):
        return depthwise.weight_gradient(dy, x, w.shape, plan, words, taps)
    gpu = device()
    how = arithmetic(x.dtype.name, gpu.architecture)
    columns = -(-channels // plan.run) * plan.run * math.prod(g.kernel)
    tile = tile_for(outputs, columns, groups, how, gpu)
    blocks = count(tile, outputs, columns)
    splits = parts(blocks * groups, -(-plan.pixels // pixels_of_tile(how)), gpu)
    xp: Any = namespace(x)
    dw = xp.empty((splits, *w.shape), x.dtype)
    slots, shared = shared_memory(tile, how, gpu)
    run = program(tile, how, plan.run, slots, shared).kernel("weight_gradient", x.dtype)
    grid = (blocks, groups, splits)
    run(grid, tile.columns, dy, x, dw, words, taps, splits, w.size, shared=shared)
    return dw[0] if splits == 1 else add_parts(dw, None, w.shape)


def pixels_of_tile(how: str) -> int:
    """Return how many pixels a row of a tile has: 128 bytes of them."""
    return 16 if how == "float64" else 32


def shared_memory(tile: Tile, how: str, gpu: Device) -> tuple[int, int]:
    """Return the slots of a block's shared memory, and its bytes."""
    row = 128 + 16 * (how in EXACT)
    slot = (tile.rows + tile.columns) * row
    slots = stages(slot, tile, gpu)
    return slots, slots * slot  # more than the results need on their way out


@functools.cache
def program(tile: Tile, how: str, run: int, slots: int, shared: int) -> Program:
    """Return the program for a tile, an arithmetic, and the channels that share a tap."""
    return program_of("conv_weight_gradient", tile, how, run, slots, shared)


for _how, _tile, _run in COMMON:  # so that tests find them; others are made when first needed
    program(_tile, _how, _run, *shared_memory(_tile, _how, EMULATED))
