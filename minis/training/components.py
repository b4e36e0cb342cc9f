"""Objects from a network that only tells what each pixel is: connected pixels of one class.

This is the older way to find objects, and the one to compare a detector with. Objects of one class
that touch become one, and one in two pieces becomes two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..backend import on_cpu
from ..data.sample import Dataset
from ..data.targets import box_of
from ..gpu_memory import explained_memory
from ..nn.module import Module
from .average_precision import AveragePrecision
from .detector_scores import truth_of
from .device import to_device_of
from .instances import connected_components


def component_objects(probabilities: Any) -> dict[str, Any]:
    """Find the connected components of each class's pixels.

    Parameters
    ----------
    probabilities : (K, H, W) float array
        Of each class at each pixel; class 0 is the background.

    Returns
    -------
    dict
        Of M objects, best first, as a detector gives them: `boxes` (M, 4), `labels` (M,), `scores`
        (M,), the mean probability of the class over the object's pixels, and `masks` (M, 1, H, W),
        1 in the object and 0 elsewhere.

    Examples
    --------
    >>> foreground = np.array([[0.9, 0.2, 0.7], [0.8, 0.1, 0.2]])
    >>> found = component_objects(np.stack([1 - foreground, foreground]))
    >>> found["boxes"], found["scores"]
    (array([[0., 0., 1., 2.],
           [2., 0., 3., 1.]]), array([0.85, 0.7 ]))
    """
    probabilities = np.asarray(on_cpu(probabilities))
    classes = probabilities.argmax(axis=0)  # (H, W)
    objects = []
    for label in range(1, len(probabilities)):
        components, count = connected_components(classes == label)
        for number in range(1, count + 1):
            mask = components == number
            objects.append((float(probabilities[label][mask].mean()), label, mask))
    objects.sort(key=lambda found: -found[0])
    masks = np.array([mask for _, _, mask in objects], bool).reshape(-1, *classes.shape)
    return {
        "boxes": np.array([box_of(mask) for mask in masks], np.float64).reshape(-1, 4),
        "labels": np.array([label for _, label, _ in objects], np.int64),
        "scores": np.array([score for score, _, _ in objects]),
        "masks": masks[:, None].astype(probabilities.dtype),
    }


def component_scores(model: Module, dataset: Dataset) -> dict[str, float]:
    """Score the connected components that a network finds, as `detector_scores` scores a detector.

    Parameters
    ----------
    model : Module
        From images (N, C, H, W) to logits (N, K, H, W). It is run in evaluation mode, and left in
        the mode in which it came.
    dataset : Dataset
        Samples with instances.

    Returns
    -------
    dict of float
        `mask_ap` first; see `average_precision`.

    Raises
    ------
    ValueError
        If a sample has no instances.
    MissingPackageError
        If pycocotools is not installed.

    Examples
    --------
    >>> from minis.data import Sample, Samples
    >>> class Bright(Module):
    ...     def forward(self, x):
    ...         return np.concatenate([0.5 - x, x - 0.5], axis=1)
    >>> objects = np.array([[0, 1, 1], [0, 1, 1]], np.int32)
    >>> sample = Sample(objects[None].astype(np.float32), objects.astype(np.int64), objects)
    >>> scores = component_scores(Bright(), Samples([sample], ("dark", "bright")))
    >>> round(scores["mask_ap"], 6)
    1.0
    """
    counted = AveragePrecision()
    was_training = model.training
    model.eval()
    try:
        for index in range(len(dataset)):
            with explained_memory("a smaller image"):
                x = to_device_of(model, dataset[index].image[None])
                probabilities = on_cpu(ops.softmax(model(x), axis=1)[0])
            counted.add(component_objects(probabilities), truth_of(dataset, index))
    finally:
        model.train(was_training)
    return counted.scores()
