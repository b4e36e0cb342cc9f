"""A semantic network's scores on a data set."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..gpu_memory import explained_memory
from ..nn.module import Module
from .batches import Indexed
from .device import to_device_of, to_host
from .metrics import confusion_matrix, segmentation_scores


def evaluate(
    model: Module, dataset: Indexed, *, num_classes: int, ignore_index: int | None = 255
) -> dict[str, float]:
    """Segment every sample and score all pixels together.

    Images go through the network one by one and whole, and so may differ in size; of a volume of
    512 × 512 × 200 voxels each map of 8 channels takes 1.7 GB. The network is run in
    evaluation mode, and left in the mode in which it came.

    Parameters
    ----------
    model : Module
        From images (1, C, *spatial) to logits (1, num_classes, *spatial).
    dataset : sequence of Sample
        At least one; see `minis.data`.
    num_classes : int
    ignore_index : int, optional
        Label of the pixels that are not scored: `minis.data.IGNORE` unless given.

    Returns
    -------
    dict of str to float
        `mean_iou` first; see `segmentation_scores`.

    Raises
    ------
    ValueError
        If the data set is empty, or a label isn't one of the classes.

    Examples
    --------
    >>> from minis.data.sample import Sample
    >>> class Threshold(Module):
    ...     def forward(self, x):
    ...         return np.concatenate([0.5 - x, x - 0.5], axis=1)
    >>> image = np.array([[[0.1, 0.9, 0.8]]], np.float32)
    >>> sample = Sample(image, np.array([[0, 1, 0]]))
    >>> evaluate(Threshold(), [sample], num_classes=2)["mean_iou"]
    0.5
    """
    return segmentation_scores(
        dataset_confusion(model, dataset, num_classes=num_classes, ignore_index=ignore_index)
    )


def dataset_confusion(
    model: Module, dataset: Indexed, *, num_classes: int, ignore_index: int | None = 255
) -> Any:
    """Segment every sample, and count all pixels in one confusion matrix.

    Parameters
    ----------
    model, dataset, num_classes, ignore_index
        As given to `evaluate`.

    Returns
    -------
    (num_classes, num_classes) int64 array
        Row: true class; column: predicted class.

    Raises
    ------
    ValueError
        As `evaluate`.
    """
    if not len(dataset):
        raise ValueError("evaluate: the data set is empty")
    matrix = np.zeros((num_classes, num_classes), np.int64)
    was_training = model.training
    model.eval()
    try:
        for i in range(len(dataset)):
            sample = dataset[i]
            with explained_memory("a smaller image"):
                logits = model(to_device_of(model, sample.image[None]))  # (1, K, *spatial)
                prediction = to_host(logits[0].argmax(axis=0))
            matrix += confusion_matrix(prediction, sample.labels, num_classes, ignore_index)
    finally:
        model.train(was_training)
    return matrix
