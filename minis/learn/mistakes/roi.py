"""Mistakes in RoIAlign and RoIPool."""

from __future__ import annotations

from typing import Any

import numpy as np

from minis import ops
from minis.learn.specs.roi import bilinear

from . import mistake


def _align(
    x: Any,
    boxes: Any,
    output_size: Any,
    *,
    spatial_scale: Any = 1.0,
    sampling_ratio: Any = -1,
    aligned: Any = False,
    grid: Any,
    read: Any,
    mean: Any,
) -> Any:
    """RoIAlign whose number of samples, reading of one, and mean of a bin are given."""
    bins = (output_size,) * 2 if isinstance(output_size, int) else output_size
    y = np.zeros((len(boxes), x.shape[1], *bins), x.dtype)
    for r, (n, *corners) in enumerate(boxes.astype(float)):
        left, top, right, bottom = (v * spatial_scale - 0.5 * aligned for v in corners)
        high, wide = bottom - top, right - left
        if not aligned:
            high, wide = max(high, 1.0), max(wide, 1.0)
        sizes = [high / bins[0], wide / bins[1]]
        rows, columns = (sampling_ratio if sampling_ratio > 0 else grid(s) for s in sizes)
        for c, i, j in np.ndindex(*y.shape[1:]):
            plane = x[int(n), c]
            samples = [
                read(
                    plane,
                    top + (i + (k + 0.5) / rows) * sizes[0],
                    left + (j + (m + 0.5) / columns) * sizes[1],
                )
                for k in range(rows)
                for m in range(columns)
            ]
            y[r, c, i, j] = mean(samples)
    return y


def _ceil(size: Any) -> Any:
    return max(int(np.ceil(size)), 0)


def _mean(samples: Any) -> Any:
    return sum(samples) / max(len(samples), 1)


@mistake("roi_align")
def swaps_the_axes_of_boxes(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """Reads rows (n, y1, x1, y2, x2)."""
    return ops.roi_align.reference(x, boxes[:, [0, 2, 1, 4, 3]], output_size, **options)


@mistake("roi_align")
def leaves_out_the_half_pixel(
    x: Any, boxes: Any, output_size: Any, *, aligned: Any = False, **options: Any
) -> Any:
    """With `aligned`, doesn't shift by half a cell."""
    moved = boxes.copy()
    moved[:, 1:] += aligned * 0.5 / options["spatial_scale"]
    return ops.roi_align.reference(x, moved, output_size, aligned=aligned, **options)


@mistake("roi_align")
def always_widens_to_one_cell(
    x: Any,
    boxes: Any,
    output_size: Any,
    *,
    aligned: Any = False,
    spatial_scale: Any,
    **options: Any,
) -> Any:
    """With `aligned`, too, takes boxes to be one cell wide and high."""
    wide = boxes.copy()
    if aligned:
        wide[:, 3:] = np.maximum(wide[:, 3:], wide[:, 1:3] + 1 / spatial_scale)
    return ops.roi_align.reference(
        x, wide, output_size, aligned=aligned, spatial_scale=spatial_scale, **options
    )


@mistake("roi_align")
def never_widens_to_one_cell(
    x: Any,
    boxes: Any,
    output_size: Any,
    *,
    aligned: Any = False,
    spatial_scale: Any,
    **options: Any,
) -> Any:
    """Without `aligned`, too, leaves boxes below one cell as they are."""
    boxes = boxes.copy()
    boxes[:, 1:] += (not aligned) * 0.5 / spatial_scale
    return ops.roi_align.reference(
        x, boxes, output_size, aligned=True, spatial_scale=spatial_scale, **options
    )


@mistake("roi_align")
def reads_zero_outside_the_centres(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """A sample between the border's last centre and its edge counts as zero."""

    def read(plane: Any, row: Any, column: Any) -> Any:
        height, width = plane.shape
        inside = 0 <= row <= height - 1 and 0 <= column <= width - 1
        return bilinear(plane, row, column) if inside else 0.0

    return _align(x, boxes, output_size, grid=_ceil, read=read, mean=_mean, **options)


@mistake("roi_align")
def reads_zero_at_one_cell_outside(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """A sample at exactly −1 counts as zero."""

    def read(plane: Any, row: Any, column: Any) -> Any:
        return bilinear(plane, row, column) if row > -1 and column > -1 else 0.0

    return _align(x, boxes, output_size, grid=_ceil, read=read, mean=_mean, **options)


@mistake("roi_align")
def repeats_the_border_for_ever(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """No sample is too far outside to read the border."""

    def read(plane: Any, row: Any, column: Any) -> Any:
        height, width = plane.shape
        return bilinear(plane, min(max(row, -1), height), min(max(column, -1), width))

    return _align(x, boxes, output_size, grid=_ceil, read=read, mean=_mean, **options)


@mistake("roi_align")
def sums_the_samples(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """Doesn't divide by the number of samples."""
    return _align(x, boxes, output_size, grid=_ceil, read=bilinear, mean=sum, **options)


@mistake("roi_align")
def averages_the_samples_inside(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """Leaves samples outside the map out of the mean."""

    def read(plane: Any, row: Any, column: Any) -> Any:
        height, width = plane.shape
        inside = -1 <= row <= height and -1 <= column <= width
        return bilinear(plane, row, column) if inside else None

    def mean(samples: Any) -> Any:
        return _mean([v for v in samples if v is not None])

    return _align(x, boxes, output_size, grid=_ceil, read=read, mean=mean, **options)


@mistake("roi_align")
def rounds_the_number_of_samples_down(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """Takes ⌊size of a bin⌋ samples, at least one, in place of ⌈size⌉."""
    return _align(
        x, boxes, output_size, grid=lambda s: max(int(s), 1), read=bilinear, mean=_mean, **options
    )


@mistake("roi_align")
def always_takes_two_samples(
    x: Any, boxes: Any, output_size: Any, *, sampling_ratio: Any, **options: Any
) -> Any:
    """Replaces adaptive sampling by the paper's four samples a bin."""
    ratio = sampling_ratio if sampling_ratio > 0 else 2
    return ops.roi_align.reference(x, boxes, output_size, sampling_ratio=ratio, **options)


@mistake("roi_align")
def forgets_the_scale(
    x: Any, boxes: Any, output_size: Any, *, spatial_scale: Any, **options: Any
) -> Any:
    """Reads the boxes in cells of the map."""
    return ops.roi_align.reference(x, boxes, output_size, spatial_scale=1.0, **options)


@mistake("roi_align_backward")
def overwrites_where_boxes_overlap(dy: Any, boxes: Any, input_shape: Any, **options: Any) -> Any:
    """Keeps, of a map's gradient, what the last box wrote."""
    dx = np.zeros(input_shape, dy.dtype)
    for r in range(len(boxes)):
        of_one = ops.roi_align_backward.reference(
            dy[r : r + 1], boxes[r : r + 1], input_shape, **options
        )
        dx = np.where(of_one != 0, of_one, dx)
    return dx


@mistake("roi_align_backward")
def gives_every_box_to_the_first_map(dy: Any, boxes: Any, input_shape: Any, **options: Any) -> Any:
    """Ignores column 0 of the boxes."""
    first = boxes.copy()
    first[:, 0] = 0
    return ops.roi_align_backward.reference(dy, first, input_shape, **options)


@mistake("roi_pool")
def rounds_half_to_even(x: Any, boxes: Any, output_size: Any, *, spatial_scale: Any) -> Any:
    """Rounds corners with np.round, as C's round does not."""
    rounded = boxes.copy()
    rounded[:, 1:] = np.round(boxes[:, 1:] * spatial_scale)
    return ops.roi_pool.reference(x, rounded, output_size)


@mistake("roi_pool")
def leaves_out_the_last_cell(x: Any, boxes: Any, output_size: Any, *, spatial_scale: Any) -> Any:
    """The far corner does not belong to the box."""
    smaller = boxes.copy()
    smaller[:, 3:] -= 1 / spatial_scale
    return ops.roi_pool.reference(x, smaller, output_size, spatial_scale=spatial_scale)


@mistake("roi_pool")
def marks_empty_bins_with_zero(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """The argmax of a bin without a cell is 0 in place of −1."""
    y, argmax = ops.roi_pool.reference(x, boxes, output_size, **options)
    return y, np.maximum(argmax, 0)


@mistake("roi_pool")
def takes_the_last_maximum(x: Any, boxes: Any, output_size: Any, **options: Any) -> Any:
    """Compares with >= in place of >: of equal values the last is taken."""
    y, _ = ops.roi_pool.reference(x, boxes, output_size, **options)
    rising = 1e-6 * np.arange(x.shape[2] * x.shape[3]).reshape(x.shape[2:])
    x, boxes = x.astype(np.float64) + rising, boxes.astype(np.float64)
    return y, ops.roi_pool.reference(x, boxes, output_size, **options)[1]


@mistake("roi_pool_backward")
def keeps_the_last_box_of_a_maximum(dy: Any, boxes: Any, argmax: Any, input_shape: Any) -> Any:
    """dx[argmax] = dy in place of +=."""
    dx = np.zeros(input_shape, dy.dtype)
    for r, c, i, j in np.ndindex(*dy.shape):
        if argmax[r, c, i, j] >= 0:
            dx[int(boxes[r, 0]), c].flat[argmax[r, c, i, j]] = dy[r, c, i, j]
    return dx
