"""RoIAlign on the GPU, by the kernels of `sources/roi_align.cu`."""

from __future__ import annotations

from typing import Any

from ..region_arguments import bins_of, input_shape_of, plain_int
from .arrays import contiguous, namespace, servable
from .program import Program
from .regions import over_boxes, scale_of, servable_regions

PROGRAM = Program("roi_align.cu")
MOST_SAMPLES = 1 << 14  # of a bin along one axis


def roi_align(
    x: Any,
    boxes: Any,
    output_size: Any,
    *,
    spatial_scale: Any = 1.0,
    sampling_ratio: Any = -1,
    aligned: Any = False,
) -> Any:
    """Average samples in bins: `minis.ops.roi_align`.

    A non-finite value of x reaches the bins that read it, and no others of a box that covers it. A
    box that isn't finite, names no map, or wants more than 16,384 samples in a bin along an axis
    gives NaN.
    """
    bins = bins_of(output_size)
    if not servable(x) or x.ndim != 4 or not servable_regions(x, boxes, x.shape, bins):
        return NotImplemented
    assert bins is not None
    options = _options(spatial_scale, sampling_ratio, aligned)
    if options is None:
        return NotImplemented
    y = namespace(x).empty((len(boxes), x.shape[1], *bins), x.dtype)  # type: ignore[union-attr]
    layout, chunk = over_boxes(len(boxes), x.shape[1], bins)
    run = PROGRAM.kernel("roi_align", x.dtype)
    run(*layout, contiguous(x), contiguous(boxes), y, *x.shape, *bins, chunk, *options)
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
    """Spread each bin over its cells, last bits may vary: `minis.ops.roi_align_backward`.

    Gradients of boxes that overlap are added atomically. What is not finite stays where it falls. A
    box that `roi_align` answers by NaN puts NaN in the first cell of each channel of its map, or of
    the first map.
    """
    shape = input_shape_of(input_shape)
    if shape is None or not servable(dy) or dy.ndim != 4:
        return NotImplemented
    bins = dy.shape[2:]
    if not servable_regions(dy, boxes, shape, bins) or dy.shape[:2] != (len(boxes), shape[1]):
        return NotImplemented
    options = _options(spatial_scale, sampling_ratio, aligned)
    if options is None:
        return NotImplemented
    dx = namespace(dy).zeros(shape, dy.dtype)  # type: ignore[union-attr]
    layout, chunk = over_boxes(len(boxes), shape[1], bins)
    run = PROGRAM.kernel("roi_align_backward", dy.dtype)
    run(*layout, contiguous(dy), contiguous(boxes), dx, *shape, *bins, chunk, *options)
    return dx


def _options(spatial_scale: Any, ratio: Any, aligned: Any) -> tuple[float, int, bool] | None:
    scale = scale_of(spatial_scale)
    if scale is None or not plain_int(ratio) or ratio > MOST_SAMPLES:
        return None
    return scale, max(0, int(ratio)), bool(aligned)
