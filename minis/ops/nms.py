"""Non-maximum suppression: of boxes that overlap, keep the one with the best score.

Greedy: take the best box left, drop all that overlap it by more than a threshold, repeat.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace, on_cpu
from .boxes import box_iou
from .checks import check_boxes, check_float, check_integer, check_number, check_shape


@accelerated
def nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Keep boxes that no better box overlaps too much.

    Parameters
    ----------
    boxes : (R, 4) float array
        Boxes (x1, y1, x2, y2).
    scores : (R,) float array
        Their scores.
    iou_threshold : float
        A box is dropped if its IoU with a kept one is strictly greater.

    Returns
    -------
    (kept,) int64 array
        Indices into `boxes`, best score first; of equal scores the lower index comes first.

    Raises
    ------
    TypeError, ValueError
        If arrays are not floating, boxes not finite, scores NaN, or shapes don't fit.

    Notes
    -----
    As `torchvision.ops.nms`, where IoUs are compared in float64 too. The IoU of two boxes of zero
    area is NaN, which is not greater than anything: both stay.

    Examples
    --------
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]])
    >>> nms(boxes, np.array([0.8, 0.9, 0.1]), 0.5)
    array([1, 2])
    """
    _check("nms", boxes, scores, iou_threshold)
    threshold = float(iou_threshold)
    xp = array_namespace(boxes)
    order = xp.argsort(-scores, kind="stable")
    ranked = boxes[order]
    dropped = np.zeros(len(boxes), bool)
    kept = []
    for i in range(len(boxes)):
        if dropped[i]:
            continue
        kept.append(i)
        ious = box_iou.reference(ranked[i : i + 1], ranked[i + 1 :])[0]
        overlaps = ious.astype(np.float64) > threshold
        dropped[i + 1 :] |= on_cpu(overlaps)
    return order[xp.asarray(kept, np.int64)]


@accelerated
def batched_nms(boxes: Any, scores: Any, labels: Any, iou_threshold: float) -> Any:
    """Run `nms` on the boxes of each label apart.

    Parameters
    ----------
    boxes : (R, 4) float array
        Boxes (x1, y1, x2, y2).
    scores : (R,) float array
        Their scores.
    labels : (R,) integer array
        Boxes of different labels (classes, pyramid levels) never suppress each other.
    iou_threshold : float
        As for `nms`.

    Returns
    -------
    (kept,) int64 array
        Indices into `boxes`, best score first; of equal scores the lower index comes first.

    Raises
    ------
    TypeError, ValueError
        As `nms`, and if labels are not integers.

    Notes
    -----
    Loops over labels, which is exact. The well-known trick, to shift the boxes of each label to a
    place of their own and run `nms` once, rounds large coordinates and fails on negative ones.

    Examples
    --------
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10]])
    >>> batched_nms(boxes, np.array([0.8, 0.9, 0.1]), np.array([1, 1, 2]), 0.5)
    array([1, 2])
    """
    _check("batched_nms", boxes, scores, iou_threshold)
    check_integer("batched_nms", labels=labels)
    check_shape("batched_nms", (len(boxes),), labels=labels)
    xp = array_namespace(boxes)
    kept = [xp.zeros(0, np.int64)]
    for label in xp.unique(labels):
        members = xp.flatnonzero(labels == label)
        kept.append(members[nms(boxes[members], scores[members], iou_threshold)])
    together = xp.sort(xp.concatenate(kept))
    return together[xp.argsort(-scores[together], kind="stable")]


def _check(operation: str, boxes: Any, scores: Any, iou_threshold: float) -> None:
    check_boxes(operation, boxes)
    check_float(operation, scores=scores)
    check_shape(operation, (len(boxes),), scores=scores)
    check_number(operation, "iou_threshold", iou_threshold, low=0)
    if bool(array_namespace(scores).isnan(scores).any()):
        raise ValueError(f"{operation}: scores must not be NaN")
