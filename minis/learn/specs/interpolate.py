"""Spec of interpolation."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, per_axis, spread
from .pooling import BATCHES
from .spec import Call, Spec


@st.composite
def interpolate_calls(draw: st.DrawFn) -> Call:
    """Draw a resizing that enlarges some axes, shrinks others, and now and then keeps one."""
    axes = draw(st.sampled_from([1, 2, 3]))
    largest = 9 - 2 * axes
    shape = tuple(draw(st.integers(1, largest)) for _ in range(axes))
    size = draw(per_axis(axes, st.integers(1, largest)))
    n, c = draw(BATCHES), draw(st.integers(1, 2))
    x = draw(arrays((n, c, *shape), draw(dtypes())))
    mode = draw(st.sampled_from(["linear", "nearest"]))
    return Call((x, size), {"mode": mode, "align_corners": draw(st.booleans())})


def sources(size: int, out: int, mode: str, align_corners: bool) -> list[list[tuple[int, float]]]:
    """List, for each output cell of an axis, the input cells that it mixes, with their weights.

    Examples
    --------
    >>> sources(2, 4, "linear", False)[1:]
    [[(0, 0.75), (1, 0.25)], [(0, 0.25), (1, 0.75)], [(1, 1.0)]]
    """
    taps = []
    for j in range(out):
        if mode == "nearest":
            taps.append([(j * size // out, 1.0)])
            continue
        if align_corners:  # the first cells' centres coincide, and so do the last ones'
            at = j * (size - 1) / (out - 1) if out > 1 else 0.0
        else:  # edges coincide: a centre lies half a cell from them, in either unit
            at = (j + 0.5) * size / out - 0.5
        at = min(max(at, 0.0), size - 1.0)
        low = math.floor(at)
        both = [(low, 1.0 - (at - low)), (low + 1, at - low)]
        taps.append([(i, weight) for i, weight in both if weight > 0])
    return taps


def interpolate_loops(x: Any, size: Any, *, mode: str, align_corners: bool) -> Any:
    """Mix one output cell after the other."""
    size = spread(size, x.ndim - 2)
    taps = [sources(i, o, mode, align_corners) for i, o in zip(x.shape[2:], size, strict=True)]
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    for at in np.ndindex(*y.shape):
        total = 0.0
        for cells in itertools.product(*(along[j] for along, j in zip(taps, at[2:], strict=True))):
            weight = math.prod(w for _, w in cells)
            total += weight * float(x[(*at[:2], *(i for i, _ in cells))])
        y[at] = total
    return y


def interpolate_torch(x: Any, size: Any, *, mode: str, align_corners: bool) -> Any:
    """Interpolate with PyTorch."""
    from torch.nn import functional

    size = spread(size, x.ndim - 2)
    if mode == "nearest":
        return functional.interpolate(x, size, mode=mode)
    mode = ("linear", "bilinear", "trilinear")[x.ndim - 3]
    return functional.interpolate(x, size, mode=mode, align_corners=align_corners)


SPECS = (
    Spec(
        name="interpolate",
        family="resampling",
        source="as `torch.nn.functional.interpolate`",
        axes="1-D, 2-D, 3-D",
        calls=interpolate_calls(),
        loops=interpolate_loops,
        torch=interpolate_torch,
        backward=lambda call, y, dy: Call((dy, call.args[0].shape), call.options),
        gradients=(0,),
        linear_in=(0,),
    ),
)
