"""RoIPool: cut boxes of any size out of a feature map, at one fixed size, in whole cells.

A box is rounded to whole cells, cut into bins that are rounded to whole cells too, and the maximum
of each bin is taken (Girshick 2015, section 2.1). Backward hands dy to where the maximum stood.
What the rounding loses is what RoIAlign was made for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import (
    check_boxes,
    check_float,
    check_indices,
    check_input_shape,
    check_ndim,
    check_shape,
)
from .regions import box_rows, check_regions
from .windows import Axes


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
    ph, pw = check_regions("roi_pool", x, boxes, output_size, spatial_scale)
    xp = array_namespace(x)
    _, c, height, width = x.shape
    y = xp.zeros((len(boxes), c, ph, pw), x.dtype)
    argmax = xp.full(y.shape, -1, np.int64)
    for r, box in enumerate(box_rows(boxes)):
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
    check_float(name, dy=dy, boxes=boxes)
    check_input_shape(name, input_shape, 4)
    n, c, height, width = input_shape
    check_indices(name, argmax, height * width, "argmax", low=-1)
    check_boxes(name, boxes, maps=n)
    check_shape(name, (len(boxes), c, *dy.shape[2:]), dy=dy, argmax=argmax)
    xp = array_namespace(dy)
    kept = argmax >= 0
    plane = boxes[:, 0].astype(np.int64)[:, None] * c + xp.arange(c)  # (R, C)
    cells = (plane[:, :, None, None] * (height * width) + argmax.astype(np.int64))[kept]
    size = n * c * height * width
    return (
        xp.bincount(cells, weights=dy[kept], minlength=size).astype(dy.dtype).reshape(input_shape)
    )


def _whole_cell_bins(low: float, high: float, bins: int, size: int) -> list[tuple[int, int]]:
    """Cut the cells from round(low) to round(high), inclusive, into bins, clipped to the map."""
    start, end = (int(math.copysign(math.floor(abs(v) + 0.5), v)) for v in (low, high))
    length = max(end - start + 1, 1)
    # in integers, exact: ⌊i·length/bins⌋ and ⌈(i + 1)·length/bins⌉
    edges = [(i * length // bins, -(-(i + 1) * length // bins)) for i in range(bins)]
    return [(min(max(a + start, 0), size), min(max(b + start, 0), size)) for a, b in edges]
