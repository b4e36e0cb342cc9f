"""From instances to what a detector learns: a box, a class and a mask for each object."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from .object_sample import ObjectSample
from .sample import IGNORE, Sample


def instance_targets(sample: Sample) -> dict[str, npt.NDArray[Any]]:
    """Boxes, labels and masks of a sample's objects, as Mask R-CNN is trained on.

    Parameters
    ----------
    sample : Sample
        Two spatial axes, with instances; or an `ObjectSample`, whose objects may overlap.

    Returns
    -------
    dict
        `boxes` (M, 4) float32, rows x1, y1, x2, y2: pixel i covers i to i + 1, so that the box
        of one pixel has width 1. `labels` (M,) int64, 1 or greater: the class that most of the
        object's pixels have, or that an `ObjectSample` says. `masks` (M, H, W) uint8, 0 or 1. An
        object without a pixel, or all of whose pixels are void, is left out.

    Raises
    ------
    ValueError
        If the sample has no instances, or not two spatial axes, or an object is of class 0, which
        is the background's.

    Examples
    --------
    >>> objects = np.array([[0, 1, 1], [0, 0, 0]], np.int32)
    >>> sample = Sample(np.zeros((1, 2, 3), np.float32), 4 * objects.astype(np.int64), objects)
    >>> instance_targets(sample)["boxes"], instance_targets(sample)["labels"]
    (array([[1., 0., 3., 1.]], dtype=float32), array([4]))
    """
    if len(sample.size) != 2:
        raise ValueError(f"instance_targets: {sample!r} should have two spatial axes")
    boxes, labels, masks = [], [], []
    for label, mask in _objects(sample):
        boxes.append(box_of(mask))
        labels.append(label)
        masks.append(mask)
    return {
        "boxes": np.array(boxes, np.float32).reshape(-1, 4),
        "labels": np.array(labels, np.int64),
        "masks": np.array(masks, np.uint8).reshape(-1, *sample.size),
    }


def has_objects(sample: Sample) -> bool:
    """Whether `instance_targets` would find an object: one mask is made for it, not all.

    Examples
    --------
    >>> nothing = np.zeros((1, 2), np.int32)
    >>> has_objects(Sample(np.zeros((1, 1, 2), np.float32), nothing.astype(np.int64), nothing))
    False
    """
    return next(_objects(sample), None) is not None


def box_of(mask: npt.NDArray[Any]) -> tuple[int, int, int, int]:
    """Return the box x1, y1, x2, y2 around a mask (H, W) that isn't empty.

    Examples
    --------
    >>> box_of(np.array([[0, 1, 1], [0, 0, 0]]))
    (1, 0, 3, 1)
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _objects(sample: Sample) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    """Go through the objects: class and mask of each."""
    if isinstance(sample, ObjectSample):
        for label, mask in zip(sample.categories, sample.masks, strict=True):
            if mask.any():
                yield int(label), mask
        return
    if sample.instances is None:
        raise ValueError(f"instance_targets: {sample!r} should have instances")
    for number in range(1, int(sample.instances.max(initial=0)) + 1):
        mask = sample.instances == number
        known = sample.labels[mask & (sample.labels != IGNORE)]
        if not known.size:
            continue
        label = int(np.bincount(known).argmax())
        if label == 0:
            raise ValueError(
                f"instance_targets: object {number} of {sample!r} is of class 0, the background"
            )
        yield label, mask
