"""Where a direct convolution finds its inputs: its buffer's layout, and an offset for each tap.

All of it follows from the shapes, and is kept for the next call with the same.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from ..geometry import Geometry
from .arrays import lines_apart


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


@functools.lru_cache(maxsize=256)
def forward_plan(g: Geometry, channels: int, taps: int, itemsize: int) -> Plan:
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
def transposed_plan(g: Geometry, inputs: int, channels: int, taps: int, itemsize: int) -> Plan:
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
    return lines_apart(math.prod(padded), itemsize)
