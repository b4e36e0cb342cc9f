"""From the box head's scores and boxes to the objects that are reported.

Each proposal has a score and a box for every class, and each of these is a candidate. Those with a
small score or hardly any extent are dropped, of those of one class that overlap only the best is
kept, and of what is left in an image the best hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...backend import array_namespace

SMALLEST_SIDE = 1e-2  # of a box, in pixels


def select_detections(
    scores: Any,
    boxes: Any,
    size: tuple[int, int],
    *,
    score_threshold: float = 0.05,
    nms_threshold: float = 0.5,
    limit: int = 100,
) -> dict[str, Any]:
    """Choose the objects of one image.

    Parameters
    ----------
    scores : (P, K) float array
        Probability of each class for each proposal; class 0 is the background.
    boxes : (P, K, 4) float array
        The proposal's box as each class corrects it.
    size : (int, int)
        Height and width of the image, without padding: boxes are clipped to it.
    score_threshold : float
        Scores must be greater.
    nms_threshold : float
        Of two boxes of one class whose IoU is greater, only the better one is kept.
    limit : int
        Largest number of objects.

    Returns
    -------
    dict
        "boxes" (D, 4), "labels" (D,) int64 ≥ 1 and "scores" (D,), best score first.

    Examples
    --------
    >>> scores = np.array([[0.1, 0.9, 0.0], [0.3, 0.7, 0.0], [0.2, 0.2, 0.6]])
    >>> box = np.array([[-4.0, 0.0, 10.0, 10.0]])
    >>> found = select_detections(scores, box[None].repeat(3, 0).repeat(3, 1), (8, 20))
    >>> found["labels"], found["scores"], found["boxes"][0]
    (array([1, 2]), array([0.9, 0.6]), array([ 0., 0., 10., 8.]))
    """
    xp = array_namespace(scores)
    num_proposals, num_classes = scores.shape
    boxes = ops.clip_boxes(boxes, size)[:, 1:].reshape(-1, 4)  # (P·(K − 1), 4)
    scores = scores[:, 1:].reshape(-1)
    labels = xp.tile(xp.arange(1, num_classes, dtype=np.int64), num_proposals)
    sides = boxes[:, 2:] - boxes[:, :2]
    kept = xp.flatnonzero((scores > score_threshold) & (sides >= SMALLEST_SIDE).all(axis=1))
    boxes, scores, labels = boxes[kept], scores[kept], labels[kept]
    best = ops.batched_nms(boxes, scores, labels, nms_threshold)[:limit]
    return {"boxes": boxes[best], "labels": labels[best], "scores": scores[best]}


def masks_of_classes(logits: Any, labels: Any) -> Any:
    """Return each object's mask of its own class, as probabilities.

    Parameters
    ----------
    logits : (D, K, S, S) float array
        A mask of each object for each class.
    labels : (D,) int64 array
        The objects' classes.

    Returns
    -------
    (D, 1, S, S) array

    Examples
    --------
    >>> logits = np.array([[[[0.0]], [[-100.0]], [[100.0]]]])
    >>> masks_of_classes(logits, np.array([2])).round(3)
    array([[[[1.]]]])
    """
    rows = array_namespace(logits).arange(len(labels))
    return ops.sigmoid(logits[rows, labels])[:, None]
