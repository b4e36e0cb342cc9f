"""RoIPool on the GPU, by the kernels of `sources/roi_pool.cu`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..region_arguments import bins_of, input_shape_of
from .arrays import contiguous, namespace, servable
from .planes import over_planes
from .program import Program
from .regions import over_boxes, scale_of, servable_regions
from .unpooling import are_indices, as_places

PROGRAM = Program("roi_pool.cu")
MOST_BINS = 256  # along an axis: a block keeps where they begin and end


def roi_pool(x: Any, boxes: Any, output_size: Any, *, spatial_scale: Any = 1.0) -> Any:
    """Take the maximum of each bin: `minis.ops.roi_pool`.

    A box that isn't finite, lies 10¹² cells away, or names no map gives NaN.
    """
    bins, scale = bins_of(output_size), scale_of(spatial_scale)
    if not servable(x) or x.ndim != 4 or not servable_regions(x, boxes, x.shape, bins):
        return NotImplemented
    assert bins is not None
    if scale is None or max(bins) > MOST_BINS:
        return NotImplemented
    xp = namespace(x)
    y = xp.empty((len(boxes), x.shape[1], *bins), x.dtype)  # type: ignore[union-attr]
    argmax = xp.empty(y.shape, np.int64)  # type: ignore[union-attr]
    layout, chunk = over_boxes(len(boxes), x.shape[1], bins)
    run = PROGRAM.kernel("roi_pool", x.dtype)
    run(*layout, contiguous(x), contiguous(boxes), y, argmax, *x.shape, *bins, chunk, scale)
    return y, argmax


def roi_pool_backward(dy: Any, boxes: Any, argmax: Any, input_shape: Any) -> Any:
    """Add each dy where its maximum stood, last bits may vary: `minis.ops.roi_pool_backward`.

    Gradients are added atomically. An argmax outside the map puts NaN in the first cell of that
    map's channel, and so does a box that names no map, in the first map.
    """
    shape = input_shape_of(input_shape)
    if shape is None or not servable(dy) or dy.ndim != 4 or not are_indices(argmax, dy):
        return NotImplemented
    if not servable_regions(dy, boxes, shape, dy.shape[2:]) or argmax.shape != dy.shape:
        return NotImplemented
    if dy.shape[:2] != (len(boxes), shape[1]):
        return NotImplemented
    dx = namespace(dy).zeros(shape, dy.dtype)  # type: ignore[union-attr]
    bins = math.prod(dy.shape[2:])
    sizes = (len(boxes), *shape[:2], math.prod(shape[2:]), bins)
    run = PROGRAM.kernel("roi_pool_backward", dy.dtype)
    layout = over_planes(shape[1] * bins, len(boxes))
    run(*layout, contiguous(dy), contiguous(boxes), as_places(argmax), dx, *sizes)
    return dx
