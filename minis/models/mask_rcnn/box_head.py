"""The box head: two fully connected layers, from which each box gets its class and its correction.

        (C, 7, 7) ──► fc6 ──► fc7 ──┬──► cls_score   K scores, the background's first
                                    └──► bbox_pred   4 deltas for each class

It is the head of Faster R-CNN on a feature pyramid (Lin et al. 2017, section 4.2).
"""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from ... import nn, ops
from ...nn import Module

# Girshick 2015 (Fast R-CNN), section 2.3: the first scores and deltas are small
SCORE_DEVIATION, DELTA_DEVIATION = 0.01, 0.001


class TwoMLPHead(Module):
    """Two fully connected layers, each followed by a ReLU, on what was cut out for each box.

    Parameters
    ----------
    in_features : int
        Values per box: channels · bins².
    width : int
        Units of both layers.
    rng : numpy.random.Generator
        Draws the weights.

    Examples
    --------
    >>> import numpy as np
    >>> head = TwoMLPHead(3 * 2 * 2, 5, rng=np.random.default_rng(0))
    >>> head(np.ones((6, 3, 2, 2), np.float32)).shape
    (6, 5)
    """

    def __init__(self, in_features: int, width: int, *, rng: Generator) -> None:
        super().__init__()
        self.fc6 = nn.Linear(in_features, width, rng=rng)
        self.fc7 = nn.Linear(width, width, rng=rng)

    def forward(self, x: Any) -> Any:
        """Map regions (R, C, S, S) to features (R, width)."""
        y6 = ops.relu(self.fc6(x.reshape(len(x), self.fc6.weight.data.shape[1])))  # (R, width)
        y7 = ops.relu(self.fc7(y6))
        self.remember(x.shape, y6, y7)
        return y7

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the regions."""
        shape, y6, y7 = self.recall()
        dy6 = self.fc7.backward(ops.relu_backward(dy, y7))
        return self.fc6.backward(ops.relu_backward(dy6, y6)).reshape(shape)


class BoxPredictor(Module):
    """Scores of K classes, background included, and four deltas for each of them.

    Parameters
    ----------
    in_features : int
        Features of each box.
    num_classes : int
        K; class 0 is the background.
    rng : numpy.random.Generator
        Draws the weights, with a small deviation: at first all classes are about as likely, and
        boxes stay where they are.

    Examples
    --------
    >>> import numpy as np
    >>> predict = BoxPredictor(5, 3, rng=np.random.default_rng(0))
    >>> logits, deltas = predict(np.ones((6, 5), np.float32))
    >>> logits.shape, deltas.shape
    ((6, 3), (6, 3, 4))
    """

    def __init__(self, in_features: int, num_classes: int, *, rng: Generator) -> None:
        super().__init__()
        self.cls_score = nn.Linear(in_features, num_classes, rng=rng)
        self.bbox_pred = nn.Linear(in_features, 4 * num_classes, rng=rng)
        for layer, deviation in (
            (self.cls_score, SCORE_DEVIATION),
            (self.bbox_pred, DELTA_DEVIATION),
        ):
            shape = layer.weight.data.shape
            layer.weight.data[...] = deviation * rng.standard_normal(shape)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """Map features (R, F) to logits (R, K) and deltas (R, K, 4)."""
        logits, deltas = self.cls_score(x), self.bbox_pred(x)
        return logits, deltas.reshape(*logits.shape, 4)

    def backward(self, dy: tuple[Any, Any]) -> Any:
        """Return the gradient with respect to the features.

        Parameters
        ----------
        dy : ((R, K) array, (R, K, 4) array)
            Gradients with respect to the logits and the deltas.
        """
        dlogits, ddeltas = dy
        # both read the same features: their gradients add
        columns = 4 * dlogits.shape[1]
        return self.bbox_pred.backward(
            ddeltas.reshape(len(ddeltas), columns)
        ) + self.cls_score.backward(dlogits)
