"""Proposals: the few boxes, of very many predicted, that are worth a closer look.

    each level: best logits ─► decode ─► clip ─► drop the tiny ─► suppress overlaps ─► best of all
                 (anchors)     (deltas)          `candidates`        `propose`

(Ren et al. 2015, section 3.3; with a pyramid, Lin et al. 2017.) Levels compete only in the end:
suppression runs in each apart, because boxes of different sizes rarely stand for one object.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...backend import array_namespace

SMALLEST = 1e-3  # least width and height, in pixels: clipping may leave nothing of a box


def candidates(
    logits: Sequence[Any],
    deltas: Sequence[Any],
    anchors: Sequence[Any],
    size: tuple[int, int],
    *,
    count: int,
    score_threshold: float = 0.0,
) -> tuple[Any, Any, Any]:
    """Decode the best anchors of each level.

    Parameters
    ----------
    logits : sequence of (R,) float arrays
        Of one image, for each level: how likely each anchor holds an object.
    deltas : sequence of (R, 4) float arrays
        What is predicted for each anchor.
    anchors : sequence of (R, 4) float arrays
        Boxes (x1, y1, x2, y2).
    size : (int, int)
        Height and width of the image, without padding.
    count : int
        How many of each level, at most; of equal logits the first anchors.
    score_threshold : float
        Least probability.

    Returns
    -------
    boxes : (P, 4) array
        Inside the image; none narrower or lower than 10⁻³ pixels.
    scores : (P,) array
        Probabilities, best first within a level.
    levels : (P,) int64 array
        Which level each comes from, in increasing order.

    Raises
    ------
    TypeError, ValueError
        As `ops.decode_boxes` and `ops.clip_boxes`.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[-4.0, 0.0, 4.0, 8.0], [0.0, 0.0, 8.0, 8.0], [20.0, 0.0, 28.0, 8.0]])
    >>> logits = np.array([0.0, 1.0, 9.0])  # the third anchor lies outside the image
    >>> boxes, scores, levels = candidates(
    ...     [logits], [np.zeros((3, 4))], [anchors], (16, 16), count=3
    ... )
    >>> boxes, scores.round(2)
    (array([[0., 0., 8., 8.],
           [0., 0., 4., 8.]]), array([0.73, 0.5 ]))
    """
    xp = array_namespace(logits[0])
    chosen = []
    for level, (logit, delta, anchor) in enumerate(zip(logits, deltas, anchors, strict=True)):
        best = xp.argsort(-logit, kind="stable")[:count]
        chosen.append((logit[best], delta[best], anchor[best], xp.full(len(best), level, "int64")))
    logit, delta, anchor, level_of = (xp.concatenate(a) for a in zip(*chosen, strict=True))
    box = ops.clip_boxes(ops.decode_boxes(delta, anchor), size)
    score = ops.sigmoid(logit)
    large = (box[:, 2:] - box[:, :2] >= SMALLEST).all(axis=1)
    keep = xp.flatnonzero(large & (score >= score_threshold))
    return box[keep], score[keep], level_of[keep]


def propose(
    logits: Sequence[Any],
    deltas: Sequence[Any],
    anchors: Sequence[Any],
    size: tuple[int, int],
    *,
    count: int,
    nms_threshold: float = 0.7,
    score_threshold: float = 0.0,
) -> tuple[Any, Any]:
    """Propose boxes that may hold objects.

    Parameters
    ----------
    logits, deltas, anchors, size, score_threshold
        As for `candidates`.
    count : int
        How many of each level enter the suppression, and how many boxes are proposed in all.
    nms_threshold : float
        A box is dropped if its IoU with a better one of its level is greater.

    Returns
    -------
    boxes : (P, 4) array
        Best first; there may be fewer than `count`.
    scores : (P,) array
        Their probabilities.

    Raises
    ------
    TypeError, ValueError
        As `candidates` and `ops.batched_nms`.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [1.0, 0.0, 9.0, 8.0], [8.0, 0.0, 16.0, 8.0]])
    >>> logits = np.array([0.0, 1.0, -1.0])
    >>> propose([logits], [np.zeros((3, 4))], [anchors], (16, 16), count=3)[0]
    array([[ 1.,  0.,  9.,  8.],
           [ 8.,  0., 16.,  8.]])
    """
    boxes, scores, levels = candidates(
        logits, deltas, anchors, size, count=count, score_threshold=score_threshold
    )
    keep = ops.batched_nms(boxes, scores, levels, nms_threshold)[:count]
    return boxes[keep], scores[keep]
