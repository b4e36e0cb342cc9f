"""A detector's scores on a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..data.instance_batches import with_channels
from ..data.packages import require
from ..data.sample import Dataset
from ..data.targets import instance_targets
from ..data.views import Subset
from ..gpu_memory import explained_memory
from ..nn.module import Module
from .average_precision import AveragePrecision
from .device import to_device_of

Find = Callable[[Any], Mapping[str, Any]]


def detector_scores(
    model: Module, dataset: Dataset, *, channels: int, find: Find | None = None
) -> dict[str, float]:
    """Find the objects of every image, and score them all together.

    The network is run in evaluation mode, and left in the mode in which it came.

    Parameters
    ----------
    model : Module
        From a list of (channels, H, W) images to a list of detections, as `MaskRCNN`.
    dataset : Dataset
        At least one sample, each with instances. Of a `CocoFolder`, crowd regions neither count
        nor punish.
    channels : int
        Channels that the network expects; grey images are repeated.
    find : callable, optional
        From an image (channels, H, W) to its detections, by the model. By default the model sees
        images one by one, each in whole.

    Returns
    -------
    dict of float
        `mask_ap` first; see `average_precision`.

    Raises
    ------
    ValueError
        If the data set is empty, a sample has no instances, or an image has other channels.
    MissingPackageError
        If pycocotools is not installed.

    Examples
    --------
    >>> from minis.data import Sample, Samples
    >>> class Bright(Module):  # finds one object: whatever is bright
    ...     def forward(self, images):
    ...         masks = [image.mean(axis=0) > 0.5 for image in images]
    ...         return [
    ...             {"boxes": np.array([[1, 0, 3, 2]]), "labels": np.array([1]),
    ...              "scores": np.array([0.9]), "masks": mask[None, None]}
    ...             for mask in masks
    ...         ]
    >>> objects = np.array([[0, 1, 1], [0, 1, 1]], np.int32)
    >>> sample = Sample(objects[None].astype(np.float32), objects.astype(np.int64), objects)
    >>> scores = detector_scores(Bright(), Samples([sample], ("dark", "bright")), channels=3)
    >>> round(scores["mask_ap"], 6), round(scores["box_ap50"], 6)
    (1.0, 1.0)
    """
    require("pycocotools", "average precision")
    if not len(dataset):
        raise ValueError("detector_scores: the data set is empty")
    counted = AveragePrecision()
    was_training = model.training
    model.eval()
    try:
        for index in range(len(dataset)):
            sample = dataset[index]
            image = with_channels(sample.image, channels, sample.name)
            with explained_memory("a smaller image"):
                image = to_device_of(model, image)
                found = model([image])[0] if find is None else find(image)
            counted.add(found, truth_of(dataset, index))
    finally:
        model.train(was_training)
    return counted.scores()


def truth_of(dataset: Dataset, index: int) -> dict[str, Any]:
    """Return what the detections in sample `index` are scored against.

    Parameters
    ----------
    dataset : Dataset
        Samples with instances, or a `CocoFolder`; a part of either.
    index : int

    Returns
    -------
    dict
        As `instance_targets`; of a `CocoFolder` its `truth`, with crowd regions.
    """
    while isinstance(dataset, Subset):
        index, dataset = dataset.indices[index], dataset.dataset
    told = getattr(dataset, "truth", None)
    truth: dict[str, Any] = instance_targets(dataset[index]) if told is None else told(index)
    return truth
