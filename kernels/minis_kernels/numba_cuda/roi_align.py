"""RoIAlign and its gradient: a thread takes bins, each the mean of a few samples.

    forward   at each of its samples it reads four cells of x; the bin is written once
    dx        at each of its samples it adds to four cells of dx

    x0   x1      A sample at a distance of u and t from the cell at its upper left
    ┌─t──┐       weighs the four by (1 − u)(1 − t), (1 − u)t, u(1 − t) and ut.
    u  · │
    └────┘

Boxes overlap, and so do the cells that neighbouring bins read. The gradient therefore adds by
atomic additions: the GPU reads, adds and writes without letting another thread in between. They
come in any order: the last bits of dx may differ from call to call.

Each thread computes where its samples lie, in float64 and in the NumPy text's order, although all
channels of a box have the same. The few numbers that say how a box is sampled are found before, by
array operations, each rounded by itself: a kernel's fused product and sum could give a box one
sample more.

The GPU is waited for once, before the kernel starts: to learn that boxes are well formed and that
all numbers are finite. In the NumPy text one that is not spreads to all bins of a box around it,
and so it is left to do that.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numba import cuda

from ..arguments import number
from ..pool_geometry import are_sizes
from ..region_arguments import bins_of
from .arrays import contiguous, empty, namespace, servable
from .conv_places import pixel
from .launch import THREADS, blocks_for, device, kernel
from .signatures import Index2, Numbers, Real4

FAR = 1e12  # in cells; beyond it, coordinates could overflow
MOST_SAMPLES = 1 << 14  # of a bin along one axis

Boxes = Annotated[Any, Numbers("float64", 2)]


def roi_align(
    x: Any,
    boxes: Any,
    output_size: Any,
    *,
    spatial_scale: Any = 1.0,
    sampling_ratio: Any = -1,
    aligned: Any = False,
) -> Any:
    """Average samples in bins: `minis.ops.roi_align`, where x is finite."""
    bins = bins_of(output_size)
    if bins is None or not are_regions(x, boxes):
        return NotImplemented
    grid = _grid(x, boxes, len(x), bins, spatial_scale, sampling_ratio, aligned)
    if grid is None:
        return NotImplemented
    y = empty((len(boxes), x.shape[1], *bins), x)
    _average[blocks_for(y.size), THREADS](contiguous(x), *grid, y)
    return y


def roi_align_backward(
    dy: Any,
    boxes: Any,
    input_shape: Any,
    *,
    spatial_scale: Any = 1.0,
    sampling_ratio: Any = -1,
    aligned: Any = False,
) -> Any:
    """Spread each bin over its cells: `minis.ops.roi_align_backward`, where dy is finite."""
    if not are_sizes(input_shape, 4) or not are_regions(dy, boxes):
        return NotImplemented
    if dy.shape[:2] != (len(boxes), input_shape[1]):
        return NotImplemented
    grid = _grid(dy, boxes, input_shape[0], dy.shape[2:], spatial_scale, sampling_ratio, aligned)
    if grid is None:
        return NotImplemented
    xp: Any = namespace(dy)
    dx = xp.zeros(input_shape, dy.dtype)
    _spread[blocks_for(dy.size), THREADS](contiguous(dy), *grid, dx)
    return dx


def are_regions(a: Any, boxes: Any) -> bool:
    """Whether these are maps, or what was cut out of them, and boxes (R, 5)."""
    return servable(a, boxes) and a.ndim == 4 and boxes.ndim == 2 and boxes.shape[1] == 5


def boxes_fit(boxes: Any, maps: int, scale: float) -> Any:
    """Return whether each box (R, 5) is finite and names one of the maps: an array of no axes."""
    index, xp = boxes[:, 0], namespace(boxes)
    near = abs(boxes[:, 1:]).max() * max(scale, 1.0) < FAR  # nor is NaN
    named = (index >= 0) & (index < maps) & (index == xp.floor(index))  # type: ignore[union-attr]
    return near & named.all()


def _grid(
    a: Any,
    boxes: Any,
    maps: int,
    bins: tuple[int, int],
    spatial_scale: Any,
    sampling_ratio: Any,
    aligned: Any,
) -> tuple[Any, Any] | None:
    """Return, for each box, its map, top, left and the size of a bin, and the samples of a bin.

    These are (R, 5) float64 and (R, 2) int64 arrays; None where something can't be served.
    """
    scale = number(spatial_scale, low=0.0, high=FAR)
    if scale is None or type(sampling_ratio) is not int or sampling_ratio > MOST_SAMPLES:
        return None
    xp: Any = namespace(boxes)
    rows = boxes.astype(np.float64)
    corners = rows[:, 1:] * scale - (0.5 if aligned else 0.0)
    with np.errstate(invalid="ignore"):  # a box that is not finite is found below
        extent = corners[:, 2:] - corners[:, :2]
    if not aligned:
        extent = xp.maximum(extent, 1.0)
    height, width = extent[:, 1] / bins[0], extent[:, 0] / bins[1]  # of a bin
    laid = xp.stack([rows[:, 0], corners[:, 1], corners[:, 0], height, width], axis=1)
    samples = xp.maximum(xp.ceil(laid[:, 3:]), 0.0)
    if sampling_ratio > 0:
        samples = xp.full_like(samples, sampling_ratio)
    few = samples.max() <= MOST_SAMPLES  # nor is NaN
    if not bool(boxes_fit(rows, maps, scale) & few & xp.isfinite(a).all()):
        return None
    return contiguous(laid), contiguous(samples.astype(np.int64))


@device
def _sample(
    start: float, size: float, bin_: int, k: int, samples: int, cells: int
) -> tuple[int, int, float, float]:
    """Along one axis, return the two cells that sample k of a bin reads, and their weights.

    A sample more than one cell outside of the map weighs nothing.
    """
    at = start + bin_ * size + (k + 0.5) * size / samples
    weight = 1.0 if -1 <= at <= cells else 0.0
    at = min(max(at, 0.0), cells - 1.0)
    first = int(at)
    t = at - first
    return first, min(first + 1, cells - 1), weight * (1 - t), weight * t


@kernel
def _average(x: Real4, boxes: Boxes, samples: Index2, y: Real4) -> None:
    """Take the mean of the samples of each bin."""
    _, _, height, width = x.shape
    number = x.dtype.type
    for i in range(cuda.grid(1), y.size, cuda.gridsize(1)):
        r, c, row, column = pixel(i, y.shape[1:])
        n = int(boxes[r, 0])
        high, wide = samples[r, 0], samples[r, 1]
        total = number(0)
        for k in range(high):
            h0, h1, a0, a1 = _sample(boxes[r, 1], boxes[r, 3], row, k, high, height)
            for m in range(wide):
                w0, w1, b0, b1 = _sample(boxes[r, 2], boxes[r, 4], column, m, wide, width)
                total += number(a0 * b0) * x[n, c, h0, w0] + number(a0 * b1) * x[n, c, h0, w1]
                total += number(a1 * b0) * x[n, c, h1, w0] + number(a1 * b1) * x[n, c, h1, w1]
        y[r, c, row, column] = total / number(max(high * wide, 1))


@kernel
def _spread(dy: Real4, boxes: Boxes, samples: Index2, dx: Real4) -> None:
    """Give every sample of a bin its share of dy, and that to its cells; dx comes as zeros."""
    _, _, height, width = dx.shape
    number = dy.dtype.type
    for i in range(cuda.grid(1), dy.size, cuda.gridsize(1)):
        r, c, row, column = pixel(i, dy.shape[1:])
        n = int(boxes[r, 0])
        high, wide = samples[r, 0], samples[r, 1]
        share = dy[r, c, row, column] / number(max(high * wide, 1))
        for k in range(high):
            h0, h1, a0, a1 = _sample(boxes[r, 1], boxes[r, 3], row, k, high, height)
            for m in range(wide):
                w0, w1, b0, b1 = _sample(boxes[r, 2], boxes[r, 4], column, m, wide, width)
                cuda.atomic.add(dx, (n, c, h0, w0), number(a0 * b0) * share)
                cuda.atomic.add(dx, (n, c, h0, w1), number(a0 * b1) * share)
                cuda.atomic.add(dx, (n, c, h1, w0), number(a1 * b0) * share)
                cuda.atomic.add(dx, (n, c, h1, w1), number(a1 * b1) * share)
