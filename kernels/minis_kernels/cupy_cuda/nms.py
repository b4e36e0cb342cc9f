"""Overlaps of boxes, and non-maximum suppression, on the GPU: by the kernels of `sources/nms.cu`.

Suppression costs one synchronisation, to learn how many boxes stay, and whether any was malformed.
Sorting is CuPy's, which is stable.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import number
from .arrays import contiguous, namespace, servable
from .planes import fits, over_planes
from .program import Program
from .unpooling import are_indices, as_places

PROGRAM = Program("nms.cu")
WORD = 64  # boxes that one word tells about
MOST_BOXES = 1 << 16  # their pairs take half a gigabyte
THREADS = 512  # of the one block that walks down the list


def box_iou(a: Any, b: Any) -> Any:
    """Overlap all pairs: `minis.ops.box_iou`.

    A box that isn't finite is not an error here, which would cost a synchronisation: it gives NaN.
    """
    if not servable(a, b) or not _are_boxes(a) or not _are_boxes(b) or not fits(a.shape, b.shape):
        return NotImplemented
    iou = namespace(a).empty((len(a), len(b)), a.dtype)  # type: ignore[union-attr]
    run = PROGRAM.kernel("box_iou", a.dtype)
    run(*over_planes(len(b), len(a)), contiguous(a), contiguous(b), iou, len(a), len(b))
    return iou


def nms(boxes: Any, scores: Any, iou_threshold: Any) -> Any:
    """Keep boxes that no better one overlaps too much: `minis.ops.nms`."""
    return _suppress(boxes, scores, None, iou_threshold)


def batched_nms(boxes: Any, scores: Any, labels: Any, iou_threshold: Any) -> Any:
    """Do so for each label by itself: `minis.ops.batched_nms`."""
    if not servable(boxes) or not are_indices(labels, boxes) or labels.shape != boxes.shape[:1]:
        return NotImplemented
    return _suppress(boxes, scores, as_places(labels), iou_threshold)


def _are_boxes(a: Any) -> bool:
    return bool(a.ndim == 2 and a.shape[1] == 4)


def _suppress(boxes: Any, scores: Any, labels: Any, iou_threshold: Any) -> Any:
    threshold = number(iou_threshold, low=0)
    if threshold is None or not servable(boxes, scores) or not _are_boxes(boxes):
        return NotImplemented
    if scores.shape != boxes.shape[:1] or len(boxes) > MOST_BOXES:
        return NotImplemented
    xp, count = namespace(boxes), len(boxes)
    assert xp is not None
    scores, order = contiguous(scores), as_places(xp.argsort(-scores, kind="stable"))
    words = -(-count // WORD)
    drops = xp.empty((count, words), np.uint64)
    kept, state = xp.empty(count, np.int64), xp.zeros(2, np.int64)
    compare, walk = (PROGRAM.kernel(name, boxes.dtype) for name in ("compare", "walk"))
    pairs = (words, words), WORD
    compare(*pairs, contiguous(boxes), scores, labels, order, drops, state, count, threshold)
    walk(1, THREADS, drops, order, kept, state, count, shared=8 * words)
    found, malformed = state.tolist()  # the synchronisation
    return NotImplemented if malformed else kept[:found].copy()
