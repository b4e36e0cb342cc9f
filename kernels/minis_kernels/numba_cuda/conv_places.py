"""Where a tap reads: the one thing in which a convolution and its adjoint differ.

    convolution   y[n, o, ω] = Σ_κ Σ_c w[o, c, κ] · x̂[n, c, ω·stride + κ·dilation − padding]
    its adjoint   x[n, c, ω] = Σ_κ Σ_o w[o, c, κ] · y[n, o, (ω − κ·dilation + padding) / stride]
                  over those κ alone for which the place is whole and lies inside of y

Both are, along each axis, place = (ω·up + κ·step + shift) / down.
"""

from __future__ import annotations

from typing import NamedTuple

from ..geometry import Geometry, ThreeAxes
from .launch import device


class Places(NamedTuple):
    """Which pixel of the array that is read belongs to a tap of a pixel of the result."""

    source: ThreeAxes  # the pixels of the array that is read
    kernel: ThreeAxes
    result: ThreeAxes  # the pixels of the array that is made
    up: ThreeAxes
    step: ThreeAxes
    shift: ThreeAxes
    down: ThreeAxes
    zeros: bool  # outside of the source there are zeros; else there is nothing


def of_convolution(g: Geometry) -> Places:
    """Return the places that a convolution reads."""
    shift = _negative(g.padding)
    return Places(g.size, g.kernel, g.out, g.stride, g.dilation, shift, (1, 1, 1), True)


def of_adjoint(g: Geometry) -> Places:
    """Return the places that the adjoint of a convolution reads."""
    step = _negative(g.dilation)
    return Places(g.out, g.kernel, g.size, (1, 1, 1), step, g.padding, g.stride, False)


def _negative(axes: ThreeAxes) -> ThreeAxes:
    return -axes[0], -axes[1], -axes[2]


@device
def place(at: int, tap: int, axis: int, places: Places) -> int:
    """Return the place along one axis, or −1 if there is none."""
    along = at * places.up[axis] + tap * places.step[axis] + places.shift[axis]
    if along < 0 or along % places.down[axis] != 0:
        return -1
    along //= places.down[axis]
    return along if along < places.source[axis] else -1


@device
def pixel(index: int, size: ThreeAxes) -> tuple[int, int, int, int]:
    """Return the sample and the place in it of one of all samples' pixels, in row-major order."""
    line = index // size[2]
    plane = line // size[1]
    return plane // size[0], plane % size[0], line % size[1], index % size[2]


@device
def reads(d: int, h: int, w: int, tap: int, places: Places) -> tuple[int, int, int, bool]:
    """Return the place that a tap of a result's pixel reads, and whether there is one."""
    _, taps_h, taps_w = places.kernel
    from_d = place(d, tap // taps_w // taps_h, 0, places)
    from_h = place(h, tap // taps_w % taps_h, 1, places)
    from_w = place(w, tap % taps_w, 2, places)
    return from_d, from_h, from_w, from_d >= 0 and from_h >= 0 and from_w >= 0
