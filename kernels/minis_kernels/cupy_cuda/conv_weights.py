"""Filters packed in the order in which a convolution's blocks read them: `sources/conv_pack.cu`."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from .arrays import namespace
from .conv_plan import K_TILE, Plan
from .program import Program

FORMATS = {"float64": 64, "float32": 32, "tf32": 19, "fp16": 16}
STRIP = 16  # tiles that a thread goes through, as in conv_pack.cu


class Filters(NamedTuple):
    """Filters, and where in them the weight of an output and a channel of a group lies."""

    array: Any
    group_step: int
    output_step: int
    channel_step: int


def filters(w: Any, groups: int, adjoint: bool) -> Filters:
    """Return how a convolution with w (O, C/groups, *k) reads it, or its adjoint."""
    taps = w[0, 0].size
    along_first, along_second = w.shape[1] * taps, taps
    steps = (along_second, along_first) if adjoint else (along_first, along_second)
    return Filters(w, w.size // groups, *steps)


def pack(w: Filters, plan: Plan, rows: int, arithmetic: str, words: Any, taps: Any) -> Any:
    """Pack filters for tiles of so many rows; `words` and `taps` are the plan on the device."""
    blocks = -(-plan.outputs // rows)
    halves = 2 if arithmetic == "fp16" else 1
    of_tile = rows * K_TILE // halves
    xp: Any = namespace(w.array)
    packed = xp.empty(plan.groups * blocks * sum(plan.tiles) * of_tile, w.array.dtype)
    threads = 128
    grid = (
        -(-blocks * of_tile // threads),
        -(-max(plan.tiles) // STRIP),
        plan.groups * len(plan.classes),
    )
    run = packing(rows, plan.run, FORMATS[arithmetic]).kernel("pack", w.array.dtype)
    steps = (w.group_step, w.output_step, w.channel_step)
    run(grid, threads, w.array, packed, words, taps, *steps)
    return packed


@functools.cache
def packing(rows: int, run: int, form: int) -> Program:
    """Return the program that packs filters for tiles of so many rows."""
    reals = ("float64",) if form == FORMATS["float64"] else ("float32",)
    return Program("conv_pack.cu", reals=reals, TILE_M=rows, RUN=run, FORMAT=form)


packing(128, 16, FORMATS["tf32"])
packing(128, 1, FORMATS["fp16"])
packing(64, 4, FORMATS["float64"])
