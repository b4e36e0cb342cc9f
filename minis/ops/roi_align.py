"""RoIAlign: cut boxes of any size out of a feature map, at one fixed size, without rounding.

A grid of bins is laid over a box, a few points in each bin are sampled by bilinear interpolation,
and their mean is taken (He et al. 2017, section 3). Everything about it is separable, so for one
box it is two small matrices, one for the rows and one for the columns:

    y = A_rows · x · A_colsᵀ            dx = A_rowsᵀ · dy · A_cols

The backward is the transpose. Boxes get no gradient.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import check_float, check_input_shape, check_int, check_ndim, check_shape
from .regions import box_rows, check_regions
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
        Whether to shift by half a cell: with it, coordinate 0 is the left edge of the first cell,
        without it, its centre. Without it, boxes are taken to be at least one cell wide and high.

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
    Results are those of `torchvision.ops.roi_align`. A sample counts as zero if it lies further
    than one cell outside the map. Where `aligned` is set, `sampling_ratio` ≤ 0 and the box has no
    extent or inverted corners, there are no samples and y is 0. A non-finite value of x spreads to
    all bins of a box that covers it.

    Examples
    --------
    >>> x = np.arange(25.0).reshape(1, 1, 5, 5)
    >>> box = np.array([[0.0, 1.0, 1.0, 3.0, 3.0]])
    >>> roi_align(x, box, 4)[0, 0, 0]
    array([7.5, 8. , 8.5, 9. ])
    >>> roi_align(x, box, 4, aligned=True)[0, 0, 0]
    array([4.5, 5. , 5.5, 6. ])
    """
    bins = check_regions("roi_align", x, boxes, output_size, spatial_scale)
    check_int("roi_align", "sampling_ratio", sampling_ratio)
    xp = array_namespace(x)
    y = xp.zeros((len(boxes), x.shape[1], *bins), x.dtype)
    for r, box in enumerate(box_rows(boxes)):
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
        As `roi_align`, and if `dy` does not have the output's shape.

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
    check_float(name, dy=dy, boxes=boxes)
    check_input_shape(name, input_shape, 4)
    xp = array_namespace(dy)
    dx = xp.zeros(input_shape, dy.dtype)
    bins = check_regions(name, dx, boxes, tuple(dy.shape[2:]), spatial_scale)
    check_int(name, "sampling_ratio", sampling_ratio)
    check_shape(name, (len(boxes), dx.shape[1], *bins), dy=dy)
    for r, box in enumerate(box_rows(boxes)):
        rows, columns = _sampling(box, dx.shape[2:], bins, spatial_scale, sampling_ratio, aligned)
        a_rows, a_columns = (xp.asarray(a.matrix, dy.dtype) for a in (rows, columns))
        # (h, PH) · (C, PH, PW) · (PW, w) -> (C, h, w)
        dx[int(box[0]), :, rows.cells, columns.cells] += a_rows.T @ dy[r] @ a_columns
    return dx


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
