"""Specs of RoIAlign and RoIPool, from the rules that torchvision's CPU kernels follow."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from .draw import LAYOUTS, arrays, dtypes, generators, lay_out, spread
from .pooling import BATCHES, levels
from .properties import assert_close
from .spec import Call, Function, Spec


@st.composite
def rois(
    draw: st.DrawFn, shape: tuple[int, ...], dtype: str, spatial_scale: float, count: int
) -> Any:
    """Draw rows (n, x1, y1, x2, y2): whole, thin, empty, inverted, and outside of the map.

    Corners lie on multiples of a quarter of a cell, so that no float32 rounding decides how many
    samples a box gets, or to which cell a corner is rounded.
    """
    rng = draw(generators())
    n, _, height, width = shape
    first = rng.integers(-6, [4 * width, 4 * height], (count, 2))
    extent = rng.integers(1, [4 * width + 4, 4 * height + 4], (count, 2))
    kind = rng.integers(0, 12, (count, 2))
    extent = np.where(kind == 0, 0, np.where(kind == 1, -extent, extent))
    corners = np.concatenate([first, first + extent], axis=1) / 4 / spatial_scale
    index = rng.integers(0, max(n, 1), (count, 1))
    boxes = np.concatenate([index, corners], axis=1).astype(dtype)
    return lay_out(boxes, draw(st.sampled_from(LAYOUTS)))


@st.composite
def feature_maps_and_rois(draw: st.DrawFn, *, tied: bool) -> tuple[Any, Any, Any, float]:
    """Draw maps, boxes on them, the bins to cut these into, and the maps' scale."""
    dtype, scale = draw(dtypes()), draw(st.sampled_from([1.0, 0.5, 0.25]))
    n, c = draw(BATCHES), draw(st.integers(1, 2))
    shape = (n, c, draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    x = draw(levels(shape, dtype) if tied else arrays(shape, dtype))
    boxes = draw(rois(shape, dtype, scale, draw(st.sampled_from([3, 4, 2, 0])) if n else 0))
    bins = draw(st.integers(1, 4) | st.tuples(st.integers(1, 4), st.integers(1, 4)))
    return x, boxes, bins, scale


@st.composite
def roi_align_calls(draw: st.DrawFn) -> Call:
    """Draw a RoIAlign that rounding doesn't decide."""
    x, boxes, bins, scale = draw(feature_maps_and_rois(tied=False))
    options = {
        "spatial_scale": scale,
        "sampling_ratio": draw(st.sampled_from([-1, 0, 1, 2, 3])),
        "aligned": draw(st.booleans()),
    }
    call = Call((x, boxes, bins), options)
    assume(not _rounding_decides(call))
    return call


def _sample_grid(
    low: float, high: float, bins: int, ratio: int, aligned: bool
) -> tuple[Fraction, Fraction, int]:
    """Along one axis: a box's start, the size of a bin, and the number of samples in each."""
    shift = Fraction(1, 2) if aligned else Fraction(0)
    start, length = Fraction(low) - shift, Fraction(high) - Fraction(low)
    if not aligned:
        length = max(length, Fraction(1))
    size = length / bins
    return start, size, ratio if ratio > 0 else max(math.ceil(size), 0)


def _axes_of(call: Call) -> list[tuple[int, int, Fraction, Fraction, int]]:
    """For each box and axis: cells of the map, bins, start, size of a bin, samples in a bin."""
    x, boxes, output_size = call.args
    scale, ratio = call.options["spatial_scale"], call.options["sampling_ratio"]
    found = []
    for _, x1, y1, x2, y2 in boxes.astype(np.float64).tolist():
        for low, high, bins, cells in zip(
            (y1, x1), (y2, x2), spread(output_size, 2), x.shape[2:], strict=True
        ):
            grid = _sample_grid(low * scale, high * scale, bins, ratio, call.options["aligned"])
            found.append((cells, bins, *grid))
    return found


def _rounding_decides(call: Call) -> bool:
    """Whether a sample lies on −1 or H, beyond which it counts as zero, and can't be exact."""
    return any(
        start + (b + Fraction(2 * k + 1, 2 * grid)) * size in (-1, cells)
        for cells, bins, start, size, grid in _axes_of(call)
        if bins * grid not in (0, 1, 2, 4, 8, 16)
        for b in range(bins)
        for k in range(grid)
    )


def bilinear(plane: Any, y: float, x: float) -> float:
    """Read a plane between its cells, whose values stand at whole coordinates.

    Examples
    --------
    >>> bilinear([[0.0, 4.0]], -0.5, 0.25), bilinear([[0.0, 4.0]], -1.5, 0.25)
    (1.0, 0.0)
    """
    height, width = len(plane), len(plane[0])
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    corners = []
    for at, size in ((y, height), (x, width)):
        at = max(at, 0.0)
        low = int(at)
        high = low + 1
        if low >= size - 1:
            low = high = size - 1
            at = float(low)
        corners.append(((low, 1 - (at - low)), (high, at - low)))
    return sum(wy * wx * float(plane[i][j]) for i, wy in corners[0] for j, wx in corners[1])


def roi_align_loops(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """Average the samples of one bin after the other."""
    grids = _axes_of(Call((x, boxes, output_size), options))
    y = np.zeros((len(boxes), x.shape[1], *spread(output_size, 2)), x.dtype)
    for r, c, i, j in np.ndindex(*y.shape):
        plane = x[int(boxes[r, 0]), c].tolist()
        (_, _, top, high, rows), (_, _, left, wide, columns) = grids[2 * r : 2 * r + 2]
        total = 0.0
        for k in range(rows):
            for m in range(columns):
                at_y = top + (i + Fraction(2 * k + 1, 2 * rows)) * high
                at_x = left + (j + Fraction(2 * m + 1, 2 * columns)) * wide
                total += bilinear(plane, float(at_y), float(at_x))
        y[r, c, i, j] = total / max(rows * columns, 1)
    return y


def reads_one_cell_outside(functions: dict[str, Function], call: Call) -> None:
    """A sample one cell outside the map reads its border; further out, it is zero."""
    ones, options = np.ones((1, 1, 3, 3)), {"sampling_ratio": 1, "aligned": False}
    for place, expected in ((-1.25, 0.0), (-1.0, 1.0), (3.0, 1.0), (3.25, 0.0)):
        for axis in (0, 1):
            centre = [1.0, 1.0]
            centre[axis] = place
            box = np.array([[0, *(v - 0.5 for v in centre), *(v + 0.5 for v in centre)]])
            y = functions["roi_align"](ones, box, 1, spatial_scale=1.0, **options)
            what = f"roi_align, one sample at {place} along axis {1 - axis} of a map of 3 cells"
            assert_close(y, np.full((1, 1, 1, 1), expected), 0, what)


@st.composite
def roi_pool_calls(draw: st.DrawFn) -> Call:
    """Draw a RoIPool with ties, corners half-way between cells, and bins beyond the map."""
    x, boxes, bins, scale = draw(feature_maps_and_rois(tied=True))
    return Call((x, boxes, bins), {"spatial_scale": scale})


def roi_pool_loops(x: Any, boxes: Any, output_size: Any, *, spatial_scale: float) -> Any:
    """Look through one bin after the other, cell by cell; the first of equals stays."""
    bins, shape = spread(output_size, 2), x.shape[2:]
    y = np.zeros((len(boxes), x.shape[1], *bins), x.dtype)
    argmax = np.full(y.shape, -1, np.int64)
    for r, c, *bin_at in np.ndindex(*y.shape):
        n, x1, y1, x2, y2 = boxes[r].astype(np.float64).tolist()
        cells = []
        for a, (low, high) in enumerate([(y1, y2), (x1, x2)]):
            start, end = (_half_away_from_zero(v * spatial_scale) for v in (low, high))
            size = Fraction(max(end - start + 1, 1), bins[a])
            first, last = math.floor(bin_at[a] * size), math.ceil((bin_at[a] + 1) * size)
            cells.append([i for i in range(start + first, start + last) if 0 <= i < shape[a]])
        for i in cells[0]:
            for j in cells[1]:
                value = x[int(n), c, i, j]
                if argmax[(r, c, *bin_at)] < 0 or value > y[(r, c, *bin_at)]:
                    y[(r, c, *bin_at)], argmax[(r, c, *bin_at)] = value, i * shape[1] + j
    return y, argmax


def _half_away_from_zero(value: float) -> int:
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def transposes_the_choice(functions: dict[str, Function], call: Call) -> None:
    """With argmax held fixed, RoIPool is a choice of cells; its backward is the transpose."""
    x, boxes, output_size = call.args
    x, boxes, rng = x.astype(np.float64), boxes.astype(np.float64), np.random.default_rng(11)
    _, argmax = functions["roi_pool"](x, boxes, output_size, **call.options)
    dy, v = rng.standard_normal(argmax.shape), rng.standard_normal(x.shape)
    expected = 0.0
    for at in np.ndindex(*argmax.shape):
        if argmax[at] >= 0:
            expected += dy[at] * v[int(boxes[at[0], 0]), at[1]].ravel()[argmax[at]]
    dx = functions["roi_pool_backward"](dy, boxes, argmax, x.shape)
    what = "⟨roi_pool_backward(dy), v⟩ against ⟨dy, v at argmax⟩"
    assert_close((dx * v).sum(), expected, 1e-10, what)


SPECS = (
    Spec(
        name="roi_align",
        family="regions of interest",
        source="He et al. 2017, section 3; as `torchvision.ops.roi_align`",
        axes="2-D",
        calls=roi_align_calls(),
        loops=roi_align_loops,
        backward=lambda call, y, dy: Call((dy, call.args[1], call.args[0].shape), call.options),
        gradients=(0,),
        linear_in=(0,),
        extra=(reads_one_cell_outside,),
    ),
    Spec(
        name="roi_pool",
        family="regions of interest",
        source="Girshick 2015; as `torchvision.ops.roi_pool`",
        axes="2-D",
        calls=roi_pool_calls(),
        loops=roi_pool_loops,
        backward=lambda call, outputs, dy: Call((dy, call.args[1], outputs[1], call.args[0].shape)),
        gradients=(0,),
        extra=(transposes_the_choice,),
    ),
)
