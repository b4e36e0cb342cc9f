"""How good a segmentation is, read from one confusion matrix.

    matrix[t, p] = number of pixels whose true class is t and whose predicted class is p

All counts are summed over the whole data set first, and divided once: an average of the IoUs of
single images would weigh a class's few pixels in one image like its thousands in another. A
class that occurs in neither truth nor prediction has no IoU: its entry is NaN, and means leave
it out. With tₖ = Σₚ matrix[k, p] (true) and pₖ = Σₜ matrix[t, k] (predicted):

    pixel accuracy  Σₖ matrix[k, k] / Σₖ tₖ
    mean accuracy   mean over k of matrix[k, k] / tₖ
    IoU             matrix[k, k] / (tₖ + pₖ − matrix[k, k])
    Dice            2 matrix[k, k] / (tₖ + pₖ)

The first three, and the frequency-weighted IoU, are those of Long et al. 2015, section 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import array_namespace


def confusion_matrix(
    prediction: Any, target: Any, num_classes: int, ignore_index: int | None = None
) -> Any:
    """Count the pixels of each true class that were predicted as each class.

    Parameters
    ----------
    prediction, target : integer arrays of one shape
        Predicted and true class of each pixel.
    num_classes : int
    ignore_index : int, optional
        Pixels whose true class is this are left out, whatever was predicted there.

    Returns
    -------
    (num_classes, num_classes) int64 array
        Rows are true classes, columns predicted ones. Matrices of several images add up.

    Raises
    ------
    TypeError
        If an array isn't of integers.
    ValueError
        If the shapes differ, or a counted class lies outside 0 … num_classes − 1.

    Examples
    --------
    >>> confusion_matrix(np.array([0, 1, 1, 1]), np.array([0, 0, 1, 255]), 2, ignore_index=255)
    array([[1, 1],
           [0, 1]])
    """
    for name, labels in (("prediction", prediction), ("target", target)):
        if labels.dtype.kind not in "iu":
            raise TypeError(f"confusion_matrix: {name} has dtype {labels.dtype}, expected integers")
    if prediction.shape != target.shape:
        raise ValueError(
            f"confusion_matrix: prediction has shape {tuple(prediction.shape)} "
            f"but target has {tuple(target.shape)}"
        )
    xp = array_namespace(target)
    prediction, target = prediction.ravel(), target.ravel()
    if ignore_index is not None:
        counted = target != ignore_index
        prediction, target = prediction[counted], target[counted]
    for name, labels in (("prediction", prediction), ("target", target)):
        outside = labels[(labels < 0) | (labels >= num_classes)]
        if outside.size:
            raise ValueError(
                f"confusion_matrix: {name} holds class {int(outside[0])}, "
                f"expected 0 to {num_classes - 1}"
            )
    pair = target.astype(xp.int64) * num_classes + prediction.astype(xp.int64)
    counts = xp.bincount(pair, minlength=num_classes**2).astype(xp.int64)
    return counts.reshape(num_classes, num_classes)


def pixel_accuracy(matrix: Any) -> float:
    """Return the share of pixels whose class is right; NaN if there are no pixels.

    Examples
    --------
    >>> pixel_accuracy(np.array([[3, 1], [0, 0]]))
    0.75
    """
    return float(_ratio(matrix.trace(), matrix.sum()))


def mean_accuracy(matrix: Any) -> float:
    """Return the mean, over the classes that the truth holds, of the share found (recall).

    Examples
    --------
    >>> mean_accuracy(np.array([[3, 1], [0, 4]]))
    0.875
    """
    return _mean(_ratio(matrix.diagonal(), matrix.sum(axis=1)))


def class_iou(matrix: Any) -> Any:
    """Return each class's intersection over union; NaN for a class that occurs nowhere.

    Examples
    --------
    >>> class_iou(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    array([0.75, 0.8 ,  nan])
    """
    hit = matrix.diagonal()
    return _ratio(hit, matrix.sum(axis=0) + matrix.sum(axis=1) - hit)


def mean_iou(matrix: Any) -> float:
    """Return the mean IoU of the classes that occur in truth or prediction.

    Examples
    --------
    >>> mean_iou(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    0.775
    """
    return _mean(class_iou(matrix))


def frequency_weighted_iou(matrix: Any) -> float:
    """Return the mean IoU, each class weighed by its share of the true pixels.

    Examples
    --------
    >>> frequency_weighted_iou(np.array([[1, 1], [0, 6]]))
    0.767...
    """
    frequency = _ratio(matrix.sum(axis=1), matrix.sum())
    xp = array_namespace(matrix)
    iou = xp.where(frequency == 0, 0.0, class_iou(matrix))
    return float((frequency * iou).sum())


def class_dice(matrix: Any) -> Any:
    """Return each class's Dice coefficient; NaN for a class that occurs nowhere.

    Dice (1945) is the F1 score of the pixels, 2 IoU / (1 + IoU).

    Examples
    --------
    >>> class_dice(np.array([[3, 2, 0], [0, 4, 0], [0, 0, 0]]))
    array([0.75, 0.8 ,  nan])
    """
    return _ratio(2 * matrix.diagonal(), matrix.sum(axis=0) + matrix.sum(axis=1))


def mean_dice(matrix: Any) -> float:
    """Return the mean Dice coefficient of the classes that occur in truth or prediction.

    Examples
    --------
    >>> mean_dice(np.array([[3, 2, 0], [0, 4, 0], [0, 0, 0]]))
    0.775
    """
    return _mean(class_dice(matrix))


def segmentation_scores(matrix: Any) -> dict[str, float]:
    """Return the numbers to report, mean IoU first.

    Parameters
    ----------
    matrix : (K, K) integer array
        From `confusion_matrix`.

    Returns
    -------
    dict of str to float
        `mean_iou`, `mean_dice`, `pixel_accuracy`, `mean_accuracy`, `frequency_weighted_iou`.

    Examples
    --------
    >>> segmentation_scores(np.array([[3, 1], [0, 4]]))["mean_iou"]
    0.775
    """
    scores = (mean_iou, mean_dice, pixel_accuracy, mean_accuracy, frequency_weighted_iou)
    return {score.__name__: score(matrix) for score in scores}


def _ratio(numerator: Any, denominator: Any) -> Any:
    """Divide, NaN where the denominator is 0."""
    xp = array_namespace(denominator)
    return xp.where(denominator == 0, np.nan, numerator / xp.maximum(denominator, 1))


def _mean(scores: Any) -> float:
    """Mean of what is not NaN; NaN if there is nothing."""
    known = scores[~array_namespace(scores).isnan(scores)]
    return float(known.mean()) if known.size else float("nan")
