"""RoIAlign and RoIPool: cut boxes of any size out of a feature map, at one fixed size.

RoIAlign (He et al. 2017, section 3) lays a grid of bins over a box, samples a few points in each
bin by bilinear interpolation and takes their mean. Everything about it is separable, so for one
box it is two small matrices, one for the rows and one for the columns:

    y = A_rows · x · A_colsᵀ            dx = A_rowsᵀ · dy · A_cols

The backward is the transpose; boxes get no gradient. RoIPool (Girshick 2015) rounds the box to
whole cells and takes the maximum of each bin; its backward hands dy to where the maximum stood.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import check_boxes, check_float, check_ndim, check_number, check_shape, per_axis
from .windows import Axes


@accelerated
def roi_align(
    x: Any,
    boxes: Any,
    output_size: int | Axes,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Any:
    """Sample each box on a regular grid, and average the samples in each bin.

    Parameters
    ----------
    x : (N, C, H, W) float array
        Feature maps.
    boxes : (R, 5) float array
        Rows (n, x1, y1, x2, y2): the index of the box's map, and its corners in pixels of the
        image.
    output_size : int or (int, int)
        Bins in height and width, PH and PW.
    spatial_scale : float
        Cells of the map per pixel of the image.
    sampling_ratio : int
        Samples per bin along each axis; if ≤ 0, ⌈box size in cells / bins⌉ for each box.
    aligned : bool
        Whether to shift by half a cell, so that coordinates mean cells' edges and not their
        centres. Without it, boxes are taken to be at least one cell wide and high.

    Returns
    -------
    (R, C, PH, PW) array of the dtype of `x`

    Raises
    ------
    TypeError
        If an array is not floating, or dtypes differ.
    ValueError
        If shapes don't fit, a box is not finite, or its index names no map.

    Notes
    -----
    Results are those of `torchvision.ops.roi_align`. A sample counts as zero iff it lies further
    than one cell outside the map. With `aligned`, adaptive sampling and a box of no extent, or
    inverted corners, there are no samples and y is 0. A non-finite value of x spreads to all bins
    of a box that covers it.

    Examples
    --------
    >>> x = np.arange(25.0).reshape(1, 1, 5, 5)
    >>> box = np.array([[0.0, 1.0, 1.0, 3.0, 3.0]])
    >>> roi_align(x, box, 4)[0, 0, 0]
    array([7.5, 8. , 8.5, 9. ])
    >>> roi_align(x, box, 4, aligned=True)[0, 0, 0]
    array([4.5, 5. , 5.5, 6. ])
    """
    bins = _check("roi_align", x, boxes, output_size, spatial_scale)
    xp = array_namespace(x)
    y = xp.zeros((len(boxes), x.shape[1], *bins), x.dtype)
    for r, box in enumerate(_on_cpu(boxes)):
        rows, columns = _sampling(box, x.shape[2:], bins, spatial_scale, sampling_ratio, aligned)
        a_rows, a_columns = (xp.asarray(a.matrix, x.dtype) for a in (rows, columns))
        patch = x[int(box[0]), :, rows.cells, columns.cells]  # (C, h, w), the cells it reads
        # (PH, h) · (C, h, w) · (w, PW) -> (C, PH, PW)
        y[r] = a_rows @ patch @ a_columns.T
    return y


@accelerated
def roi_align_backward(
    dy: Any,
    boxes: Any,
    input_shape: tuple[int, ...],
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Any:
    """Gradient of `roi_align`: spread each bin over the cells it was averaged from.

    Parameters
    ----------
    dy : (R, C, PH, PW) float array
        Gradient of the loss with respect to the output.
    boxes, spatial_scale, sampling_ratio, aligned
        As given to `roi_align`.
    input_shape : tuple of int
        (N, C, H, W), the shape of the feature maps.

    Returns
    -------
    (N, C, H, W) array of the dtype of `dy`
        Boxes overlap: their gradients add.

    Raises
    ------
    TypeError, ValueError
        As `roi_align`, and if `dy` has not the output's shape.

    Examples
    --------
    >>> box = np.array([[0.0, 0.0, 0.0, 1.0, 1.0]])
    >>> roi_align_backward(np.array([[[[4.0]]]]), box, (1, 1, 2, 2), sampling_ratio=1)
    array([[[[1., 1.],
             [1., 1.]]]])
    """
    name = "roi_align_backward"
    check_float(name, dy=dy)
    check_ndim(name, 4, "(R, C, PH, PW)", dy=dy)
    xp = array_namespace(dy)
    dx = xp.zeros(input_shape, dy.dtype)
    bins = _check(name, dx, boxes, tuple(dy.shape[2:]), spatial_scale)
    check_shape(name, (len(boxes), dx.shape[1], *bins), dy=dy)
    for r, box in enumerate(_on_cpu(boxes)):
        rows, columns = _sampling(box, dx.shape[2:], bins, spatial_scale, sampling_ratio, aligned)
        a_rows, a_columns = (xp.asarray(a.matrix, dy.dtype) for a in (rows, columns))
        # (h, PH) · (C, PH, PW) · (PW, w) -> (C, h, w)
        dx[int(box[0]), :, rows.cells, columns.cells] += a_rows.T @ dy[r] @ a_columns
    return dx


@accelerated
def roi_pool(
    x: Any, boxes: Any, output_size: int | Axes, *, spatial_scale: float = 1.0
) -> tuple[Any, Any]:
    """Round each box to whole cells, cut it into bins, and take the maximum of each.

    Parameters
    ----------
    x : (N, C, H, W) float array
        Feature maps.
    boxes : (R, 5) float array
        Rows (n, x1, y1, x2, y2), in pixels of the image.
    output_size : int or (int, int)
        Bins in height and width, PH and PW.
    spatial_scale : float
        Cells of the map per pixel of the image.

    Returns
    -------
    y : (R, C, PH, PW) array of the dtype of `x`
        0 where a bin holds no cell.
    argmax : (R, C, PH, PW) int64 array
        Flat index of the maximum in its (H, W) plane, the first in row-major order; −1 where a bin
        holds no cell.

    Raises
    ------
    TypeError
        If an array is not floating, or dtypes differ.
    ValueError
        If shapes don't fit, a box is not finite, or its index names no map.

    Notes
    -----
    Results are those of `torchvision.ops.roi_pool`: corners are rounded half away from zero, and
    both belong to the box; bins reach from ⌊i·h/PH⌋ to ⌈(i + 1)·h/PH⌉, so they may overlap.

    Examples
    --------
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> y, argmax = roi_pool(x, np.array([[0.0, 0.0, 0.0, 3.0, 1.0]]), 2)
    >>> y[0, 0], argmax[0, 0]
    (array([[1., 3.],
           [5., 7.]]), array([[1, 3],
           [5, 7]]))
    """
    ph, pw = _check("roi_pool", x, boxes, output_size, spatial_scale)
    xp = array_namespace(x)
    _, c, height, width = x.shape
    y = xp.zeros((len(boxes), c, ph, pw), x.dtype)
    argmax = xp.full(y.shape, -1, np.int64)
    for r, box in enumerate(_on_cpu(boxes)):
        rows = _whole_cell_bins(box[2] * spatial_scale, box[4] * spatial_scale, ph, height)
        columns = _whole_cell_bins(box[1] * spatial_scale, box[3] * spatial_scale, pw, width)
        plane = x[int(box[0])]  # (C, H, W)
        for j, (left, right) in enumerate(columns):
            if left >= right:
                continue
            # the best of each row within these columns, then the best of the rows: a tie goes to
            # the upper row, and within it to the left cell
            strip = plane[:, :, left:right]  # (C, H, w)
            best, where = strip.max(axis=2), left + strip.argmax(axis=2)  # (C, H)
            for i, (top, bottom) in enumerate(rows):
                if top >= bottom:
                    continue
                row = top + best[:, top:bottom].argmax(axis=1)  # (C,)
                y[r, :, i, j] = xp.take_along_axis(best, row[:, None], 1)[:, 0]
                column = xp.take_along_axis(where, row[:, None], 1)[:, 0]
                argmax[r, :, i, j] = row * width + column
    return y, argmax


@accelerated
def roi_pool_backward(dy: Any, boxes: Any, argmax: Any, input_shape: tuple[int, ...]) -> Any:
    """Gradient of `roi_pool`: add each dy where its maximum stood.

    Parameters
    ----------
    dy : (R, C, PH, PW) float array
        Gradient of the loss with respect to the output.
    boxes : (R, 5) float array
        As given to `roi_pool`; only the maps' indices are read.
    argmax : (R, C, PH, PW) int64 array
        As `roi_pool` returned it.
    input_shape : tuple of int
        (N, C, H, W), the shape of the feature maps.

    Returns
    -------
    (N, C, H, W) array of the dtype of `dy`

    Raises
    ------
    TypeError, ValueError
        As `roi_pool`, and if shapes don't fit.

    Examples
    --------
    >>> box, argmax = np.zeros((1, 5)), np.array([[[[2]]]])
    >>> roi_pool_backward(np.array([[[[7.0]]]]), box, argmax, (1, 1, 2, 2))
    array([[[[0., 0.],
             [7., 0.]]]])
    """
    name = "roi_pool_backward"
    check_float(name, dy=dy)
    check_ndim(name, 4, "(R, C, PH, PW)", dy=dy)
    check_ndim(name, 4, "(N, C, H, W)", input=np.broadcast_to(0, input_shape))
    n, c, height, width = input_shape
    check_boxes(name, boxes, maps=n)
    check_shape(name, (len(boxes), c, *dy.shape[2:]), dy=dy, argmax=argmax)
    xp = array_namespace(dy)
    kept = argmax >= 0
    plane = boxes[:, 0].astype(np.int64)[:, None] * c + xp.arange(c)  # (R, C)
    cells = (plane[:, :, None, None] * (height * width) + argmax)[kept]
    size = n * c * height * width
    if cells.size and (int(argmax.max()) >= height * width):
        raise ValueError(f"{name}: argmax must lie in −1 … {height * width - 1}")
    return (
        xp.bincount(cells, weights=dy[kept], minlength=size).astype(dy.dtype).reshape(input_shape)
    )


class _AxisSampling:
    """Along one axis of one box: which cells it reads, and the weights of each bin.

    Attributes
    ----------
    cells : slice
        The cells between the first and the last that any sample reads.
    matrix : (bins, cells) array
        Each row sums a bin's samples and divides by their number.
    """

    def __init__(self, start: float, length: float, bins: int, ratio: int, size: int) -> None:
        grid = ratio if ratio > 0 else max(0, math.ceil(length / bins))
        # sample k of bin b stands at start + (b + (k + ½)/grid) · (length/bins)
        step = length / bins
        offsets = (np.arange(grid) + 0.5) * step / max(1, grid)
        at = start + np.arange(bins)[:, None] * step + offsets  # (bins, grid)
        inside = (at >= -1) & (at <= size)
        at = np.clip(at, 0, size - 1)
        first = at.astype(np.int64)
        second = np.minimum(first + 1, size - 1)
        t = at - first
        matrix = np.zeros((bins, size))
        b = np.broadcast_to(np.arange(bins)[:, None], at.shape)
        np.add.at(matrix, (b, first), np.where(inside, 1 - t, 0))
        np.add.at(matrix, (b, second), np.where(inside, t, 0))
        lowest = int(first.min()) if grid else 0
        highest = int(second.max()) + 1 if grid else 0
        self.cells = slice(lowest, highest)
        self.matrix = matrix[:, self.cells] / max(1, grid)


def _sampling(
    box: Any, size: Any, bins: Axes, scale: float, ratio: int, aligned: bool
) -> tuple[_AxisSampling, _AxisSampling]:
    """Lay the sampling grid over one box: for its rows, and for its columns."""
    shift = 0.5 if aligned else 0.0
    x1, y1, x2, y2 = box[1:] * scale - shift
    height, width = y2 - y1, x2 - x1
    if not aligned:
        height, width = max(height, 1.0), max(width, 1.0)
    return (
        _AxisSampling(y1, height, bins[0], ratio, size[0]),
        _AxisSampling(x1, width, bins[1], ratio, size[1]),
    )


def _whole_cell_bins(low: float, high: float, bins: int, size: int) -> list[tuple[int, int]]:
    """Cut the cells from round(low) to round(high), inclusive, into bins, clipped to the map."""
    start, end = (int(math.copysign(math.floor(abs(v) + 0.5), v)) for v in (low, high))
    length = max(end - start + 1, 1)
    # in integers, exact: ⌊i·length/bins⌋ and ⌈(i + 1)·length/bins⌉
    edges = [(i * length // bins, -(-(i + 1) * length // bins)) for i in range(bins)]
    return [(min(max(a + start, 0), size), min(max(b + start, 0), size)) for a, b in edges]


def _check(operation: str, x: Any, boxes: Any, output_size: Any, scale: float) -> Axes:
    check_float(operation, x=x, boxes=boxes)
    check_ndim(operation, 4, "(N, C, H, W)", x=x)
    check_boxes(operation, boxes, maps=len(x))
    check_number(operation, "spatial_scale", scale, low=0)
    return per_axis(operation, "output_size", output_size, 2, low=1)


def _on_cpu(boxes: Any) -> Any:
    """Bring the boxes' few numbers to where Python can read them, in float64."""
    return (boxes if isinstance(boxes, np.ndarray) else boxes.get()).astype(np.float64)
