"""The baseline that a network has to beat: what a pixel's colour alone says of its class.

The colours of the training images are counted in bins, class by class. Each bin stands for the
class that is most frequent in it; a bin that no training pixel fell into, for that of the nearest
bin that some did. No other rule that looks at one pixel's colour, in these bins, makes fewer
mistakes on the training images. It knows nothing of shape and place.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.sample import IGNORE
from .batches import Indexed
from .metrics import confusion_matrix, segmentation_scores

BINS = {1: 64, 2: 32, 3: 16}  # along each channel, by their number; more channels have 4


def colour_baseline(train: Indexed, test: Indexed, *, num_classes: int) -> dict[str, float]:
    """Learn the most frequent class of every colour on one data set; score it on another.

    Parameters
    ----------
    train, test : sequence of Sample
        Images in 0…1, up to six channels; labels are classes or `minis.data.IGNORE`.
    num_classes : int

    Returns
    -------
    dict of str to float
        See `segmentation_scores`.

    Raises
    ------
    ValueError
        If a data set is empty, or images have more than six channels.

    Examples
    --------
    >>> from minis.data.sample import Sample
    >>> image = np.array([[[0.1, 0.9, 0.8]]], np.float32)
    >>> sample = Sample(image, np.array([[0, 1, 1]]))
    >>> colour_baseline([sample], [sample], num_classes=2)["mean_iou"]
    1.0
    """
    from scipy import ndimage

    if not len(train) or not len(test):
        raise ValueError("colour_baseline: a data set is empty")
    channels = train[0].image.shape[0]
    if channels > 6:
        raise ValueError(f"colour_baseline: images of {channels} channels, at most 6 are counted")
    bins = BINS.get(channels, 4)
    counts = np.zeros((bins**channels, num_classes), np.int64)
    for i in range(len(train)):
        sample = train[i]
        known = sample.labels != IGNORE
        pairs = _bin(sample.image, bins)[known] * num_classes + sample.labels[known]
        counts += np.bincount(pairs, minlength=counts.size).reshape(counts.shape)
    grid = (bins,) * channels
    empty = ~counts.any(axis=1).reshape(grid)
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    answer = counts.argmax(axis=1).reshape(grid)[tuple(nearest)].reshape(-1)
    matrix = np.zeros((num_classes, num_classes), np.int64)
    for i in range(len(test)):
        sample = test[i]
        guess = answer[_bin(sample.image, bins)]
        matrix += confusion_matrix(guess, sample.labels, num_classes, IGNORE)
    return segmentation_scores(matrix)


def _bin(image: Any, bins: int) -> Any:
    """Number each pixel's bin: (*spatial)."""
    digits = np.clip((image * bins).astype(np.int64), 0, bins - 1)  # (C, *spatial)
    powers = bins ** np.arange(len(image))[::-1]  # the first channel is the grid's first axis
    return np.tensordot(powers, digits, axes=1)
