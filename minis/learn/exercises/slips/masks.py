"""Plausible mistakes in masks and their scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..solutions.mean_iou import mean_iou
from ..solutions.one_hot import one_hot


def forgets_the_void(mask: Any, classes: int) -> Any:
    """Takes void pixels for the last class."""
    return one_hot(np.minimum(mask, classes - 1), classes)


def puts_classes_last(mask: Any, classes: int) -> Any:
    """Puts the classes on the last axis: (H, W, classes). Layers come first."""
    return np.moveaxis(one_hot(mask, classes), 0, -1)


def stays_bool(mask: Any, classes: int) -> Any:
    """Returns bools, which can't be multiplied with a gradient; floats are wanted."""
    return one_hot(mask, classes) > 0


ONE_HOT = (forgets_the_void, puts_classes_last, stays_bool)


def counts_missing_classes(prediction: Any, truth: Any, classes: int) -> float:
    """Counts a class that occurs in neither mask as an IoU of 0."""
    ratios = _ratios(prediction, truth, classes, truth != 255)
    return float(np.nan_to_num(ratios).mean()) if (truth != 255).any() else float("nan")


def gives_missing_classes_one(prediction: Any, truth: Any, classes: int) -> float:
    """Counts a class that occurs in neither mask as an IoU of 1."""
    ratios = _ratios(prediction, truth, classes, truth != 255)
    return float(np.nan_to_num(ratios, nan=1.0).mean())


def counts_the_void(prediction: Any, truth: Any, classes: int) -> float:
    """Counts what is predicted on void pixels as wrong."""
    return float(np.nanmean(_ratios(prediction, truth, classes, np.ones_like(truth, bool))))


def measures_accuracy(prediction: Any, truth: Any, classes: int) -> float:
    """Gives the share of pixels that are right, and not the mean over classes of an IoU."""
    counted = truth != 255
    return float((prediction == truth)[counted].mean()) if counted.any() else float("nan")


def measures_dice(prediction: Any, truth: Any, classes: int) -> float:
    """Gives Dice: twice the intersection over the sum of both. The union counts it once."""
    ratios = _ratios(prediction, truth, classes, truth != 255)
    return mean_iou(prediction, truth, classes) if np.isnan(ratios).all() else float(
        np.nanmean(2 * ratios / (1 + ratios))
    )  # fmt: skip


def _ratios(prediction: Any, truth: Any, classes: int, counted: Any) -> Any:
    both = [
        ((prediction == k) & counted, (truth == k) & counted) for k in range(classes)
    ]  # fmt: skip
    return np.array([(p & t).sum() / (p | t).sum() if (p | t).any() else np.nan for p, t in both])


MEAN_IOU = (
    counts_missing_classes,
    gives_missing_classes_one,
    counts_the_void,
    measures_accuracy,
    measures_dice,
)
