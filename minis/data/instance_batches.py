"""Batches for a detector: images of any size in a list, and what stands in each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .sample import Sample
from .targets import instance_targets

Pictures = list[npt.NDArray[np.float32]]


def instance_batch(
    samples: Sequence[Sample], *, channels: int | None = 3
) -> tuple[Pictures, list[dict[str, npt.NDArray[Any]]]]:
    """Collate samples for Mask R-CNN: `Batches(dataset, 2, collate=instance_batch)`.

    Parameters
    ----------
    samples : sequence of Sample
        Two spatial axes, with instances. Their sizes may differ.
    channels : int, optional
        Channels of the images that are returned: grey ones are repeated. None leaves them alone.

    Returns
    -------
    images : list of (channels, H, W) float32 arrays
    targets : list of dict
        `boxes`, `labels` and `masks` of each image, as `instance_targets` gives them.

    Raises
    ------
    ValueError
        If a sample has no instances, or neither one channel nor `channels`.

    Examples
    --------
    >>> objects = np.array([[0, 1], [0, 1]], np.int32)
    >>> sample = Sample(np.ones((1, 2, 2), np.float32), objects.astype(np.int64), objects)
    >>> images, targets = instance_batch([sample, sample])
    >>> images[0].shape, targets[1]["boxes"]
    ((3, 2, 2), array([[1., 0., 2., 2.]], dtype=float32))
    """
    images = [
        sample.image if channels is None else with_channels(sample.image, channels, sample.name)
        for sample in samples
    ]
    return images, [instance_targets(sample) for sample in samples]


def with_channels(
    image: npt.NDArray[np.float32], channels: int, name: str = ""
) -> npt.NDArray[np.float32]:
    """Repeat a grey image's channel; leave an image that has enough channels as it is.

    Parameters
    ----------
    image : (C, H, W) float32 array
        C is 1 or `channels`.
    channels : int
    name : str
        What an error calls the image.

    Returns
    -------
    (channels, H, W) float32 array

    Raises
    ------
    ValueError
        If the image has another number of channels.

    Examples
    --------
    >>> with_channels(np.ones((1, 4, 5), np.float32), 3).shape
    (3, 4, 5)
    """
    if len(image) == channels:
        return image
    if len(image) != 1:
        raise ValueError(f"{name or 'image'}: {len(image)} channels, expected 1 or {channels}")
    return image.repeat(channels, axis=0)
