"""The loss of the box head: is the class right, and does the box fit?

    loss_classifier = 1/R Σ_r −log p_r[class of r]
    loss_box_reg    = 1/R Σ_{r is an object} smooth L1 (deltas_r[class of r] − true deltas of r)

over all R boxes of the batch (Girshick 2015, equations 1 to 3). Both divide by R: a background box
has no true deltas, but counts. Of an object's deltas, one set per class, only its class's are read.
"""

from __future__ import annotations

from typing import Any

from ... import ops
from ...backend import array_namespace
from ...nn import Module
from ...ops.boxes import Weights

BETA = 1 / 9  # where smooth L1 turns from a parabola into a line


class BoxLoss(Module):
    """Cross-entropy of the classes and smooth L1 of the deltas.

    Parameters
    ----------
    weights : tuple of 4 float
        Factors of the true deltas: see `ops.encode_boxes`.

    Examples
    --------
    >>> import numpy as np
    >>> box = np.array([[0.0, 0.0, 10.0, 10.0]])
    >>> losses = BoxLoss()(np.zeros((1, 2)), np.zeros((1, 2, 4)), box, np.array([1]), box)
    >>> {name: float(loss.round(4)) for name, loss in losses.items()}
    {'loss_classifier': 0.6931, 'loss_box_reg': 0.0}
    """

    def __init__(self, weights: Weights = (10.0, 10.0, 5.0, 5.0)) -> None:
        super().__init__()
        self.weights = weights

    def forward(
        self, logits: Any, deltas: Any, boxes: Any, labels: Any, truth: Any
    ) -> dict[str, Any]:
        """Return both losses.

        Parameters
        ----------
        logits : (R, K) float array
            Scores of the classes.
        deltas : (R, K, 4) float array
            Predicted deltas of each class.
        boxes : (R, 4) float array
            The boxes that were looked at.
        labels : (R,) int64 array
            Their classes, 0 for background.
        truth : (R, 4) float array
            The ground-truth box of each; not read for background.

        Returns
        -------
        dict
            "loss_classifier" and "loss_box_reg"; both 0 if R = 0.
        """
        xp = array_namespace(logits)
        rows = xp.flatnonzero(labels > 0)  # (P,), the objects
        target = ops.encode_boxes(truth[rows], boxes[rows], self.weights)  # (P, 4)
        predicted = deltas[rows, labels[rows]]  # (P, 4)
        classifier, probabilities = ops.cross_entropy(logits, labels)
        distance = ops.smooth_l1(predicted, target, beta=BETA, reduction="sum")
        self.remember(probabilities, labels, rows, predicted, target)
        if len(labels) == 0:  # the mean of nothing would be NaN
            classifier = logits.dtype.type(0)
        return {
            "loss_classifier": classifier,
            "loss_box_reg": distance / logits.dtype.type(max(1, len(labels))),
        }

    def backward(self, dloss: Any = 1.0) -> tuple[Any, Any]:
        """Return the gradients with respect to the logits and the deltas.

        Parameters
        ----------
        dloss : float
            Gradient with respect to the sum of both losses.

        Returns
        -------
        (R, K) array, (R, K, 4) array
        """
        probabilities, labels, rows, predicted, target = self.recall()
        dlogits = ops.cross_entropy_backward(dloss, probabilities, labels)
        xp = array_namespace(dlogits)
        ddeltas = xp.zeros((*dlogits.shape, 4), dlogits.dtype)
        ddeltas[rows, labels[rows]] = ops.smooth_l1_backward(
            dloss / max(1, len(labels)), predicted, target, beta=BETA, reduction="sum"
        )
        return dlogits, ddeltas
