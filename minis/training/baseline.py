"""The baseline that a network has to beat: what a pixel's colour says of its class.

The colours of the training images are counted in bins, class by class. Each bin stands for the
class that is most frequent in it; a bin that no training pixel fell into, for that of the nearest
bin that some did. The rule knows nothing of shape and place.

A stronger rule prepares the images: smoothed by a Gaussian, which takes care of noise, and with
each image's contrast stretched, which takes care of exposure. Of several `VIEWS` it takes what
scores best on the training images.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ..data.sample import IGNORE
from ..data.scaling import stretch
from .batches import Indexed
from .metrics import confusion_matrix, mean_iou, segmentation_scores


class View(NamedTuple):
    """How images are looked at: the Gaussian's standard deviation in pixels; stretched or not."""

    smoothing: float
    stretched: bool


PLAIN = View(0.0, False)
VIEWS = [View(*view) for view in product((0.0, 0.5, 1.0, 2.0), (False, True))]
MOST_IMAGES = 100  # of the training images, as many are enough
BINS = {1: 64, 2: 32, 3: 16}  # along each channel, by their number; more channels have 4
MOST_CHANNELS = 8


def colour_baseline(
    train: Indexed, test: Indexed, *, num_classes: int, views: Sequence[View] = (PLAIN,)
) -> dict[str, float]:
    """Learn the most frequent class of every colour on one data set; score it on another.

    Parameters
    ----------
    train, test : sequence of Sample
        Images in 0…1, up to `MOST_CHANNELS` channels; labels are classes or `minis.data.IGNORE`.
    num_classes : int
    views : sequence of View
        Ways of preparing the images to choose from; by default none but taking them as they are.

    Returns
    -------
    dict of str to float
        See `segmentation_scores`; and `smoothing` and `stretched`, the view that was chosen.

    Raises
    ------
    ValueError
        If a data set is empty, or images have too many channels.

    Examples
    --------
    >>> from minis.data.sample import Sample
    >>> image = np.array([[[0.1, 0.9, 0.8]]], np.float32)
    >>> sample = Sample(image, np.array([[0, 1, 1]]))
    >>> scores = colour_baseline([sample], [sample], num_classes=2)
    >>> scores["mean_iou"], scores["smoothing"]
    (1.0, 0.0)
    """
    if not len(train) or not len(test):
        raise ValueError("colour_baseline: a data set is empty")
    channels = train[0].image.shape[0]
    if channels > MOST_CHANNELS:
        raise ValueError(
            f"colour_baseline: images of {channels} channels, at most {MOST_CHANNELS} are counted"
        )
    seen = [train[i] for i in range(min(len(train), MOST_IMAGES))]
    rules = {view: _learn(seen, view, num_classes, channels) for view in views}
    scores = {view: mean_iou(_confusion(rules[view], seen, view, num_classes)) for view in views}
    best = max(views, key=lambda view: scores[view])
    matrix = _confusion(rules[best], test, best, num_classes)
    return {**segmentation_scores(matrix), **best._asdict()}


def _learn(train: Indexed, view: View, num_classes: int, channels: int) -> Any:
    """Return the class of every bin: a flat array."""
    from scipy import ndimage

    bins = BINS.get(channels, 4)
    counts = np.zeros((bins**channels, num_classes), np.int64)
    for numbers, labels in _binned(train, view):
        known = labels != IGNORE
        pairs = numbers[known] * num_classes + labels[known]
        counts += np.bincount(pairs, minlength=counts.size).reshape(counts.shape)
    grid = (bins,) * channels
    empty = ~counts.any(axis=1).reshape(grid)
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    return counts.argmax(axis=1).reshape(grid)[tuple(nearest)].reshape(-1)


def _confusion(rule: Any, dataset: Indexed, view: View, num_classes: int) -> Any:
    matrix = np.zeros((num_classes, num_classes), np.int64)
    for numbers, labels in _binned(dataset, view):
        matrix += confusion_matrix(rule[numbers], labels, num_classes, IGNORE)
    return matrix


def _binned(dataset: Indexed, view: View) -> Iterator[tuple[Any, Any]]:
    """Yield the bin of each pixel and its label, both (*spatial), image by image."""
    from scipy import ndimage

    for i in range(len(dataset)):
        sample = dataset[i]
        image = sample.image
        if view.smoothing:
            image = np.stack([ndimage.gaussian_filter(c, view.smoothing) for c in image])
        if view.stretched:
            image = stretch(image)
        bins = BINS.get(len(image), 4)
        digits = np.clip((image * bins).astype(np.int64), 0, bins - 1)  # (C, *spatial)
        powers = bins ** np.arange(len(image))[::-1]  # the first channel is the grid's first axis
        yield np.tensordot(powers, digits, axes=1), sample.labels
