"""FLOPs of the operations on boxes and regions, some of which depend on the boxes' values.

For NMS it is the most that can be needed: every box is compared with every other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import on_cpu

# two maxima, two minima, two differences cut off at 0; area, sum, difference, quotient
IOU = 12


def _values(operation: str, boxes: Any) -> Any:
    """Return the boxes in float64, in the computer's memory."""
    if not hasattr(boxes, "astype"):
        raise TypeError(f"cost: {operation} depends on the boxes' values; give an array")
    return on_cpu(boxes).astype(np.float64)


def _samples(a: Any, bins: Any) -> int:
    """Count RoIAlign's samples in one channel."""
    if a.sampling_ratio > 0:
        return int(a.boxes.shape[0] * np.prod(bins) * a.sampling_ratio**2)
    boxes = _values("roi_align with sampling_ratio ≤ 0", a.boxes) * a.spatial_scale
    extent = boxes[:, [4, 3]] - boxes[:, [2, 1]]  # (R, 2): height, width
    if not a.aligned:
        extent = np.maximum(extent, 1.0)
    in_a_bin = np.maximum(np.ceil(extent / bins), 0)
    return int(in_a_bin.prod(axis=1).sum() * np.prod(bins))


def _roi_align(a: Any) -> int:
    """Four multiply-adds for each sample, and a division for each bin."""
    return int(a.x.shape[1] * 8 * _samples(a, np.array(a.result.shape[2:])) + a.result.size)


def _roi_align_backward(a: Any) -> int:
    return int(a.dy.shape[1] * 8 * _samples(a, np.array(a.dy.shape[2:])) + a.dy.size)


def _roi_pool(a: Any) -> int:
    """Compare each cell of a box once: bins share a row or column at most."""
    corners = _values("roi_pool", a.boxes)[:, 1:] * a.spatial_scale
    corners = np.copysign(np.floor(np.abs(corners) + 0.5), corners)  # (R, 4): x1, y1, x2, y2
    low, high = corners[:, :2], np.maximum(corners[:, 2:], corners[:, :2]) + 1
    size = np.array([a.x.shape[3], a.x.shape[2]])
    cells = np.clip(high, 0, size) - np.clip(low, 0, size)
    return int(a.x.shape[1] * cells.prod(axis=1).sum())


def _paste_masks(a: Any) -> int:
    """Resize each mask, with a border of one, along rows and then along columns."""
    k = a.masks.shape[-1] + 2
    boxes = _values("paste_masks", a.boxes)
    extent = np.floor((boxes[:, 2:] - boxes[:, :2]) * k / (k - 2)) + 1
    width, height = np.maximum(extent, 1).T
    return int(3 * (height * k + height * width).sum())


def _nms(a: Any) -> int:
    count = a.boxes.shape[0]
    return int(count * (count - 1) // 2 * (IOU + 1))


REGION_FLOPS: dict[str, Callable[[Any], int]] = {
    "roi_align": _roi_align,
    "roi_align_backward": _roi_align_backward,
    "roi_pool": _roi_pool,
    "roi_pool_backward": lambda a: a.dy.size,
    "box_iou": lambda a: IOU * a.result.size,
    # of both boxes 2 sizes and centres (3 each); differences, quotients, logs, weights
    "encode_boxes": lambda a: 24 * a.boxes.shape[0],
    # per delta weights, centres, sizes (compare exp multiply), corners; per anchor as above
    "decode_boxes": lambda a: 18 * (a.deltas.size // 4) + 6 * a.anchors.shape[0],
    "nms": _nms,
    "batched_nms": _nms,
    "paste_masks": _paste_masks,
    "generate_anchors": lambda a: sum(level.size for level in a.results),
}
