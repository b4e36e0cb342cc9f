"""Losses as `fit` takes them: from logits and labels to a number and the gradient of the logits.

Pixels labelled `minis.data.IGNORE` ("void") don't count. A batch in which no pixel counts has the
loss 0 and a gradient of zeros: there is nothing to learn from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import ops
from ..backend import array_namespace
from ..data.sample import IGNORE, Dataset
from ..ops.checks import check_indices


def softmax_cross_entropy(logits: Any, labels: Any, class_weight: Any = None) -> tuple[float, Any]:
    """Return the mean cross-entropy of the pixels that count, and its gradient.

    Parameters
    ----------
    logits : (N, K, *spatial) float array
    labels : (N, *spatial) integer array
        Classes, or `IGNORE`.
    class_weight : (K,) array, optional
        Weight of each class, see `class_weights`.

    Returns
    -------
    loss : float
    dlogits : (N, K, *spatial) array

    Raises
    ------
    TypeError, ValueError
        As `minis.ops.cross_entropy`: labels that are no classes are named.

    Examples
    --------
    >>> logits = np.array([[[0.0, 9.0], [0.0, 0.0]]])
    >>> loss, dlogits = softmax_cross_entropy(logits, np.array([[1, 255]]))
    >>> round(loss, 4), dlogits[0, :, 0], dlogits[0, :, 1]
    (0.6931, array([ 0.5, -0.5]), array([0., 0.]))
    """
    options: dict[str, Any] = {"ignore_index": IGNORE}
    xp = array_namespace(logits)
    if class_weight is not None:
        options["class_weight"] = xp.asarray(class_weight, logits.dtype)
    loss, probabilities = ops.cross_entropy(logits, labels, **options)
    value = float(loss)
    if math.isnan(value) and not (labels != IGNORE).any():
        return 0.0, xp.zeros_like(logits)
    return value, ops.cross_entropy_backward(1.0, probabilities, labels, **options)


def class_weights(dataset: Dataset) -> Any:
    """Weigh classes by how rare they are: √(median frequency / frequency).

    Without the root it is the median frequency balancing of Eigen & Fergus (*Predicting depth,
    surface normals and semantic labels*, 2015) that SegNet was trained with; the root is milder,
    as under it rare classes are not found everywhere.

    Parameters
    ----------
    dataset : Dataset
        Its labels are counted, void apart.

    Returns
    -------
    (K,) float64 array
        A class that doesn't occur weighs 1.

    Raises
    ------
    ValueError
        If a label is no class.

    Examples
    --------
    >>> from minis.data import Sample, Samples
    >>> sample = Sample(np.zeros((1, 10), np.float32), np.array([0] * 8 + [1, 255]))
    >>> class_weights(Samples([sample], ("many", "few"))).round(2)
    array([0.75, 2.12])
    """
    counts = np.zeros(dataset.num_classes, np.int64)
    for i in range(len(dataset)):
        labels = dataset[i].labels
        known = labels[labels != IGNORE]
        check_indices("class_weights", known, len(counts), "labels")
        counts += np.bincount(known, minlength=len(counts))
    found = counts > 0
    typical = np.median(counts[found]) if found.any() else 1.0
    return np.sqrt(np.where(found, typical / np.maximum(counts, 1), 1.0))


def softmax_dice(logits: Any, labels: Any) -> tuple[float, Any]:
    """Return one minus the mean Dice coefficient of the classes, and its gradient.

    The sums run over the whole batch, see `minis.ops.dice_loss`: a class that is missing from one
    sample is seldom missing from all. A class that is missing from the batch's truth counts with a
    coefficient near 0, and draws its probabilities down.

    Parameters
    ----------
    logits, labels
        As for `softmax_cross_entropy`.

    Returns
    -------
    loss : float
    dlogits : (N, K, *spatial) array

    Raises
    ------
    TypeError, ValueError
        As `minis.ops.cross_entropy`.

    Examples
    --------
    >>> logits = np.array([[[50.0, -50.0, 0.0], [-50.0, 50.0, 0.0]]])
    >>> loss, dlogits = softmax_dice(logits, np.array([[0, 1, 255]]))
    >>> round(loss, 6), bool(abs(dlogits).max() < 1e-9)
    (0.0, True)
    """
    xp = array_namespace(logits)
    _, p = ops.cross_entropy(logits, labels, ignore_index=IGNORE)  # checks the labels, too
    counts = (labels != IGNORE)[:, None]  # (N, 1, *spatial)
    if not counts.any():
        return 0.0, xp.zeros_like(logits)
    classes = xp.arange(logits.shape[1]).reshape(1, -1, *(1,) * (labels.ndim - 1))
    truth = (labels[:, None] == classes).astype(logits.dtype)  # (N, K, *spatial)
    seen = p * counts  # void voxels are left out of every sum
    loss = ops.dice_loss(seen, truth, over_batch=True)
    dp = ops.dice_loss_backward(1.0, seen, truth, over_batch=True) * counts
    return float(loss), ops.softmax_backward(dp, p)


def softmax_dice_cross_entropy(logits: Any, labels: Any) -> tuple[float, Any]:
    """Return the sum of `softmax_dice` and `softmax_cross_entropy`, and its gradient.

    Cross-entropy teaches from the first step on, Dice sees to it that small classes count.

    Parameters
    ----------
    logits, labels
        As for both.

    Returns
    -------
    loss : float
    dlogits : (N, K, *spatial) array

    Examples
    --------
    >>> round(softmax_dice_cross_entropy(np.zeros((1, 2, 2)), np.array([[0, 1]]))[0], 3)
    1.026
    """
    dice, d_dice = softmax_dice(logits, labels)
    entropy, d_entropy = softmax_cross_entropy(logits, labels)
    return dice + entropy, d_dice + d_entropy


def make_loss(name: str, dataset: Dataset) -> Callable[[Any, Any], tuple[float, Any]]:
    """Return the loss of a name in `LOSSES` for training on a data set.

    Raises
    ------
    ValueError
        If there is no such loss.
    """
    if name not in LOSSES:
        raise ValueError(f"no loss {name!r}; there are {', '.join(LOSSES)}")
    if name == BALANCED:
        return partial(softmax_cross_entropy, class_weight=class_weights(dataset))
    return LOSSES[name]


BALANCED = "balanced-cross-entropy"
LOSSES: dict[str, Callable[[Any, Any], tuple[float, Any]]] = {
    "cross-entropy": softmax_cross_entropy,
    BALANCED: softmax_cross_entropy,
    "dice": softmax_dice,
    "dice+cross-entropy": softmax_dice_cross_entropy,
}
