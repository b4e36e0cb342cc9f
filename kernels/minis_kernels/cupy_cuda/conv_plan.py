"""What the blocks of a convolution have to do, written as the arrays that `plan.cuh` reads.

A convolution and its adjoint are one gather (see `sources/gather.cuh`):

    y[n, m, q·out_stride + first] = Σ over taps, c of  W[m][c, tap] · x[n, c, q·in_stride + tap]

    convolution   one class of pixels q: all of them; taps κ·dilation − padding
    adjoint       a class for each residue r of the stride; the taps that reach it are the κ for
                  which r + padding − κ·dilation is a multiple of the stride, and lie at that
                  multiple

All of it follows from the shapes, and is kept for the next call with the same.
"""

from __future__ import annotations

import functools
import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from ..geometry import Geometry, ThreeAxes

K_TILE = 16  # rows of K in a tile of the filters, as in plan.cuh
RUNS = (16, 4, 1)  # how many channels may share a look-up of their tap
LARGEST = 1 << 31  # pixels of a plane, and of a batch: the kernels count them in 32 bits

Taps = tuple[tuple[int, int, int, int], ...]  # offset in the input, number in the filter


class Class(NamedTuple):
    """Pixels of the output that share their taps."""

    first: ThreeAxes
    pixels: ThreeAxes
    taps: Taps


class Plan(NamedTuple):
    """A convolution, or a convolution's adjoint."""

    batch: int
    groups: int
    channels: int  # that a group reads
    outputs: int  # that a group writes
    size: ThreeAxes  # of an input plane
    in_stride: ThreeAxes
    out: ThreeAxes  # of an output plane
    out_stride: ThreeAxes
    classes: tuple[Class, ...]

    @property
    def run(self) -> int:
        """Channels that follow one another under one tap, in the rows of K."""
        return run_of(self.channels)

    @property
    def tiles(self) -> tuple[int, ...]:
        """Tiles of K, of each class."""
        runs = -(-self.channels // self.run)
        return tuple(-(-runs * self.run * len(c.taps) // K_TILE) for c in self.classes)

    @property
    def pixels(self) -> int:
        """Pixels of the largest class, of the whole batch."""
        return self.batch * max(math.prod(c.pixels) for c in self.classes)

    @property
    def fits(self) -> bool:
        """Whether the kernels' numbers of 32 bits can count its pixels."""
        planes = (self.size, self.out)
        return self.pixels < LARGEST and all(math.prod(p) < LARGEST for p in planes)


def run_of(channels: int) -> int:
    """Return how many channels share a look-up: as many as leave few rows of K empty.

    Examples
    --------
    >>> [run_of(c) for c in (1, 3, 4, 12, 15, 64, 20)]
    [1, 1, 4, 4, 16, 16, 4]
    """
    return next(r for r in RUNS if 4 * -(-channels // r) * r <= 5 * channels or r == 1)


@functools.lru_cache(maxsize=256)
def forward_plan(g: Geometry, batch: int, groups: int, channels: int, outputs: int) -> Plan:
    """Plan a convolution that reads and writes so many channels in each group."""
    reach = [[(k * g.dilation[a] - g.padding[a], k) for k in range(g.kernel[a])] for a in range(3)]
    whole = Class((0, 0, 0), g.out, _product(reach, g.kernel))
    return Plan(batch, groups, channels, outputs, g.size, g.stride, g.out, (1, 1, 1), (whole,))


@functools.lru_cache(maxsize=256)
def adjoint_plan(g: Geometry, batch: int, groups: int, channels: int, outputs: int) -> Plan:
    """Plan the adjoint of the convolution `g`, which reads its outputs and writes its channels."""
    reaching = []  # by axis, by residue: (offset, tap)
    for a in range(3):
        s, p, d = g.stride[a], g.padding[a], g.dilation[a]
        reaching.append(
            [
                [((r + p - k * d) // s, k) for k in range(g.kernel[a]) if (r + p - k * d) % s == 0]
                for r in range(min(s, g.size[a]))
            ]
        )
    classes = []
    for first in itertools.product(*(range(len(residues)) for residues in reaching)):
        pixels = tuple(-(-(g.size[a] - first[a]) // g.stride[a]) for a in range(3))
        taps = _product([reaching[a][first[a]] for a in range(3)], g.kernel)
        classes.append(Class(first, pixels, taps))  # type: ignore[arg-type]
    return Plan(
        batch, groups, channels, outputs, g.out, (1, 1, 1), g.size, g.stride, tuple(classes)
    )


@functools.lru_cache(maxsize=256)
def words(plan: Plan) -> tuple[Any, Any]:
    """Return the plan and its taps as arrays of int32, in the order of `plan.cuh`."""
    header = [plan.batch, plan.groups, plan.channels, plan.outputs]
    header += [*plan.size, *plan.in_stride, *plan.out, *plan.out_stride]
    header += [sum(plan.tiles), len(plan.classes)]
    taps_at = tiles_at = 0
    for part, tiles in zip(plan.classes, plan.tiles, strict=True):
        header += [*part.first, *part.pixels, taps_at, len(part.taps), tiles_at, tiles]
        taps_at, tiles_at = taps_at + len(part.taps), tiles_at + tiles
    taps = [tap for part in plan.classes for tap in part.taps] or [(0, 0, 0, 0)]
    return np.array(header, np.int32), np.array(taps, np.int32)


def _product(reach: list[list[tuple[int, int]]], kernel: ThreeAxes) -> Taps:
    """Combine the taps of three axes, (offset, number) each."""
    return tuple(
        (d, h, w, (i * kernel[1] + j) * kernel[2] + k)
        for (d, i), (h, j), (w, k) in itertools.product(*reach)
    )
