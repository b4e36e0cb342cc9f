"""The losses of the region proposal network: is there an object, and does the box fit?

Each anchor is matched with the object that it overlaps most, with background, or with neither.
Few of them are drawn, S over all images, P of which match an object (Ren et al. 2015, section
3.1.2):

    loss_objectness  = 1/S Σ_s bce(logit_s, 1 for an object, 0 for background)
    loss_rpn_box_reg = 1/S Σ_p smooth L1 (deltas_p − true deltas of p)

Both divide by S, though only objects have true deltas.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import ops
from ...backend import array_namespace
from ...nn import Module

BETA = 1 / 9  # where smooth L1 turns from a parabola into a line


class RPNLoss(Module):
    """Binary cross-entropy of the logits and smooth L1 of the deltas, of sampled anchors.

    Parameters
    ----------
    high, low : float
        An anchor whose best IoU is at least `high` matches that object, one below `low`
        background. The anchors that overlap an object most match in any case.

    Examples
    --------
    >>> import numpy as np
    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [8.0, 0.0, 16.0, 8.0]])
    >>> everything = lambda labels: (np.flatnonzero(labels > 0), np.flatnonzero(labels == 0))
    >>> loss = RPNLoss()
    >>> losses = loss(np.zeros((1, 2)), np.zeros((1, 2, 4)), anchors, [anchors[:1]], everything)
    >>> {name: float(value.round(4)) for name, value in losses.items()}
    {'loss_objectness': 0.6931, 'loss_rpn_box_reg': 0.0}
    >>> loss.backward()[0]
    array([[-0.25,  0.25]])
    """

    def __init__(self, high: float = 0.7, low: float = 0.3) -> None:
        super().__init__()
        self.high, self.low = high, low

    def forward(
        self,
        logits: Any,
        deltas: Any,
        anchors: Any,
        objects: Sequence[Any],
        draw: Callable[[Any], tuple[Any, Any]],
    ) -> dict[str, Any]:
        """Return both losses.

        Parameters
        ----------
        logits : (N, R) float array
            Of N images with R anchors each.
        deltas : (N, R, 4) float array
            What is predicted for each anchor.
        anchors : (R, 4) float array
            Boxes (x1, y1, x2, y2), the same in each image.
        objects : sequence of (M, 4) float arrays
            The ground-truth boxes of each image; there may be none, then all is background.
        draw : callable
            Given an image's labels (R,), ≥ 1 for objects, 0 for background, −1 for neither: the
            indices of the objects and of the background to take. None twice.

        Returns
        -------
        dict
            "loss_objectness" and "loss_rpn_box_reg"; both 0 if nothing was drawn.
        """
        xp, r = array_namespace(logits), len(anchors)
        positives, negatives, true_deltas = [], [], []
        for n, boxes in enumerate(objects):
            iou = ops.box_iou(boxes, anchors)  # (M, R)
            match = ops.match_anchors(iou, high=self.high, low=self.low)  # (R,)
            positive, negative = draw(match + 1)
            positives.append(n * r + positive)  # where they are among N·R
            negatives.append(n * r + negative)
            true_deltas.append(ops.encode_boxes(boxes[match[positive]], anchors[positive]))
        at = xp.concatenate(positives)  # (P,)
        sampled = xp.concatenate([at, *negatives])  # (S,), objects first
        logit, truth = logits.reshape(-1)[sampled], xp.zeros(len(sampled), logits.dtype)
        truth[: len(at)] = 1
        delta, true_delta = deltas.reshape(-1, 4)[at], xp.concatenate(true_deltas)  # (P, 4)
        self.remember(logits.shape, sampled, logit, truth, at, delta, true_delta)
        s = logits.dtype.type(max(1, len(sampled)))
        return {
            "loss_objectness": ops.bce_with_logits(logit, truth, reduction="sum") / s,
            "loss_rpn_box_reg": ops.smooth_l1(delta, true_delta, beta=BETA, reduction="sum") / s,
        }

    def backward(self, dloss: Any = 1.0) -> tuple[Any, Any]:
        """Return the gradients with respect to the logits and the deltas.

        Parameters
        ----------
        dloss : float
            Gradient with respect to the sum of both losses.

        Returns
        -------
        (N, R) array, (N, R, 4) array
            0 for anchors that were not drawn.
        """
        (n, r), sampled, logit, truth, at, delta, true_delta = self.recall()
        xp, dtype = array_namespace(logit), logit.dtype
        dlogits, ddeltas = xp.zeros(n * r, dtype), xp.zeros((n * r, 4), dtype)
        share = float(dloss) / max(1, len(sampled))
        dlogits[sampled] = ops.bce_with_logits_backward(share, logit, truth, reduction="sum")
        ddeltas[at] = ops.smooth_l1_backward(share, delta, true_delta, beta=BETA, reduction="sum")
        return dlogits.reshape(n, r), ddeltas.reshape(n, r, 4)
