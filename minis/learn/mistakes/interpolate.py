"""Mistakes in interpolation."""

from __future__ import annotations

from typing import Any

import numpy as np

from minis import ops

from . import mistake


def _resize(x: Any, size: Any, source: Any) -> Any:
    """Interpolate where `source` says that position j of `out` lies on an axis of `cells`."""
    size = (size,) * (x.ndim - 2) if isinstance(size, int) else size
    y = x
    for axis, out in enumerate(size, start=2):
        cells = x.shape[axis]
        at = np.clip([source(j, cells, out) for j in range(out)], -1, cells)
        low = np.clip(np.floor(at).astype(int), 0, cells - 1)
        high = np.minimum(low + 1, cells - 1)
        t = (at - low).reshape(-1, *(1 for _ in x.shape[axis + 1 :]))
        y = (1 - t) * y.take(low, axis) + t * y.take(high, axis)
    return y.astype(x.dtype)


@mistake("interpolate")
def misses_the_half_pixel(x: Any, size: Any, *, mode: Any, align_corners: Any = False) -> Any:
    """Reads at j·S/o: the corners of cells coincide and not their edges."""
    if mode == "nearest" or align_corners:
        return ops.interpolate.reference(x, size, mode=mode, align_corners=align_corners)
    return _resize(x, size, lambda j, cells, out: min(j * cells / out, cells - 1))


@mistake("interpolate")
def swaps_align_corners(x: Any, size: Any, *, mode: Any, align_corners: Any = False) -> Any:
    """Takes align_corners for its contrary."""
    return ops.interpolate.reference(x, size, mode=mode, align_corners=not align_corners)


@mistake("interpolate")
def extrapolates_before_the_first_cell(
    x: Any, size: Any, *, mode: Any, align_corners: Any = False
) -> Any:
    """Doesn't clamp positions below 0, where the weights leave 0 … 1."""
    if mode == "nearest" or align_corners:
        return ops.interpolate.reference(x, size, mode=mode, align_corners=align_corners)
    return _resize(x, size, lambda j, cells, out: min((j + 0.5) * cells / out - 0.5, cells - 1))


@mistake("interpolate")
def rounds_to_the_nearest_centre(
    x: Any, size: Any, *, mode: Any, align_corners: Any = False
) -> Any:
    """Nearest reads at the middle of the output cell: what PyTorch calls nearest-exact."""
    if mode == "linear":
        return ops.interpolate.reference(x, size, mode=mode, align_corners=align_corners)
    return _resize(x, size, lambda j, cells, out: int((j + 0.5) * cells / out))


@mistake("interpolate")
def scales_one_axis_as_the_other(
    x: Any, size: Any, *, mode: Any, align_corners: Any = False
) -> Any:
    """Resizes all axes with the factor of the first."""
    size = (size,) * (x.ndim - 2) if isinstance(size, int) else size
    y = ops.interpolate.reference(x, size, mode=mode, align_corners=align_corners)
    if mode == "linear" or x.ndim == 3:
        return y
    factor = x.shape[2] / size[0]
    return _resize(x, size, lambda j, cells, out: min(int(j * factor), cells - 1))


@mistake("interpolate_backward")
def resizes_the_gradient_back(
    dy: Any, input_shape: Any, *, mode: Any, align_corners: Any = False
) -> Any:
    """Takes the resizing of dy to x's shape for the transpose."""
    size = tuple(input_shape[2:])
    return ops.interpolate.reference(dy, size, mode=mode, align_corners=align_corners)


@mistake("interpolate_backward")
def keeps_the_last_gradient_of_a_cell(
    dy: Any, input_shape: Any, *, mode: Any, align_corners: Any = False
) -> Any:
    """dx[i] = dy in place of += for nearest neighbours."""
    dx = ops.interpolate_backward.reference(dy, input_shape, mode=mode, align_corners=align_corners)
    if mode == "linear" or dy.ndim > 3:
        return dx
    cells, out = input_shape[2], dy.shape[2]
    dx = np.zeros_like(dx)
    for j in range(out):
        dx[:, :, j * cells // out] = dy[:, :, j]
    return dx
