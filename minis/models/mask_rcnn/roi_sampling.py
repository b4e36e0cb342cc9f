"""Which proposals the heads learn from, and what each of them should say.

A proposal that overlaps a ground-truth box by at least half (IoU) stands for that object, every
other one for background. Few do, so a fixed number is drawn, a quarter of them objects if there
are as many (Girshick 2015, section 2.3). The ground-truth boxes themselves count as proposals:
so there is something to learn from the first step on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ... import ops
from ...backend import array_namespace
from ...ops.anchors import BETWEEN


class SampledRoIs(NamedTuple):
    """The S proposals of one image that were drawn.

    Attributes
    ----------
    boxes : (S, 4) float array
        Boxes (x1, y1, x2, y2).
    labels : (S,) int64 array
        The class of each, 0 for background.
    matched : (S,) int64 array
        Index of each one's object; −1 for background.
    truth : (S, 4) float array
        The object's box; for background, which has none, the proposal's own.
    """

    boxes: Any
    labels: Any
    matched: Any
    truth: Any

    @property
    def objects(self) -> SampledRoIs:
        """Those that are not background."""
        rows = array_namespace(self.labels).flatnonzero(self.labels > 0)
        return SampledRoIs(*(column[rows] for column in self))


def sample_rois(
    proposals: Any,
    gt_boxes: Any,
    gt_labels: Any,
    draw: Callable[[Any], tuple[Any, Any]],
    *,
    high: float = 0.5,
    low: float = 0.5,
) -> SampledRoIs:
    """Add the ground-truth boxes of one image to its proposals, match them, and draw some.

    Parameters
    ----------
    proposals : (P, 4) float array
        Boxes (x1, y1, x2, y2).
    gt_boxes : (M, 4) float array
        The objects' boxes; there may be none.
    gt_labels : (M,) integer array
        The objects' classes, ≥ 1.
    draw : callable
        Given labels (P + M,), ≥ 1 for objects, 0 for background, −1 for neither: the indices of
        the positive and of the negative ones to take.
    high, low : float
        A proposal whose best IoU is at least `high` is an object, below `low` background, and
        between them neither.

    Returns
    -------
    SampledRoIs
        In the order of the proposals, ground-truth boxes last.

    Examples
    --------
    >>> gt, label = np.array([[0.0, 0, 10, 10]]), np.array([7])
    >>> proposals = np.array([[0.0, 0, 10, 9], [0, 0, 10, 4]])
    >>> everything = lambda labels: (np.flatnonzero(labels > 0), np.flatnonzero(labels == 0))
    >>> sample_rois(proposals, gt, label, everything).labels
    array([7, 0, 7])
    """
    xp = array_namespace(proposals)
    candidates = xp.concatenate([proposals, gt_boxes])
    matched = ops.match_anchors(
        ops.box_iou(gt_boxes, candidates), high=high, low=low, allow_low_quality=False
    )
    labels = xp.where(matched == BETWEEN, -1, 0)
    objects = xp.flatnonzero(matched >= 0)
    labels[objects] = gt_labels[matched[objects]]
    truth = candidates.copy()
    truth[objects] = gt_boxes[matched[objects]]
    drawn = xp.sort(xp.concatenate(draw(labels))).astype(np.int64)
    return SampledRoIs(candidates[drawn], labels[drawn], matched[drawn], truth[drawn])
