"""Data sets made of the samples of others: a list, a part, random crops."""

from collections.abc import Sequence

import numpy as np

from .augment import random_crop
from .sample import Dataset, Sample, check_index


class Samples(Dataset):
    """Samples held in memory.

    Parameters
    ----------
    samples : sequence of Sample
        At least one, all with the same number of channels.
    classes : sequence of str
        Names of the classes.

    Raises
    ------
    ValueError
        If there are no samples, or their numbers of channels differ.

    Examples
    --------
    >>> dark = Sample(np.zeros((1, 4, 4), np.float32), np.zeros((4, 4), np.int64))
    >>> len(Samples([dark, dark], classes=("background",)))
    2
    """

    def __init__(self, samples: Sequence[Sample], classes: Sequence[str]) -> None:
        channels = sorted({sample.image.shape[0] for sample in samples})
        if len(channels) != 1:
            raise ValueError(f"Samples: expected one number of channels, got {channels}")
        self.samples = tuple(samples)
        self.classes = tuple(classes)
        self.in_channels = channels[0]

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        """Return sample `index`."""
        return self.samples[check_index(self, index)]


class Subset(Dataset):
    """Some samples of a data set.

    Parameters
    ----------
    dataset : Dataset
    indices : sequence of int
        Which, in which order.

    Examples
    --------
    >>> from minis.data import Shapes
    >>> shapes = Shapes(10)
    >>> Subset(shapes, [7, 3])[0].name == shapes[7].name
    True
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = [check_index(dataset, int(index)) for index in indices]
        self.classes = dataset.classes
        self.in_channels = dataset.in_channels

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        """Return sample `index` of the part."""
        return self.dataset[self.indices[check_index(self, index)]]


def random_split(dataset: Dataset, test: float, rng: np.random.Generator) -> tuple[Subset, Subset]:
    """Split a data set at random into two disjoint parts.

    Samples cut from one image, or neighbouring frames of one film, resemble each other: split
    by image or by film then, not with this function.

    Parameters
    ----------
    dataset : Dataset
        At least two samples.
    test : float
        Fraction of the samples for testing, in 0…1; each part gets at least one sample.
    rng : numpy.random.Generator

    Returns
    -------
    train, test : Subset

    Raises
    ------
    ValueError
        If there are fewer than two samples or the fraction lies outside 0…1.

    Examples
    --------
    >>> from minis.data import Shapes
    >>> train, test = random_split(Shapes(10), 0.2, np.random.default_rng(0))
    >>> len(train), len(test), set(train.indices) & set(test.indices)
    (8, 2, set())
    """
    if len(dataset) < 2 or not 0 <= test <= 1:
        raise ValueError(
            f"random_split: cannot put the fraction {test} of {len(dataset)} samples aside"
        )
    order = [int(index) for index in rng.permutation(len(dataset))]
    count = min(max(round(test * len(dataset)), 1), len(dataset) - 1)
    return Subset(dataset, sorted(order[count:])), Subset(dataset, sorted(order[:count]))


class Crops(Dataset):
    """Random crops: how a few large images feed many training steps.

    Crop i is the same whatever was asked for before it. The images are gone through in turn.

    Parameters
    ----------
    dataset : Dataset
        Where to cut from.
    size : tuple of int
        Spatial shape of a crop, no larger than the smallest image.
    length : int
        Number of crops.
    seed : int

    Examples
    --------
    >>> from minis.data import Cells
    >>> crops = Crops(Cells(1, size=(96, 96)), size=(32, 48), length=500)
    >>> len(crops), crops[499].size
    (500, (32, 48))
    """

    def __init__(self, dataset: Dataset, size: tuple[int, ...], length: int, seed: int = 0) -> None:
        self.dataset = dataset
        self.size = size
        self.length = length
        self.seed = seed
        self.classes = dataset.classes
        self.in_channels = dataset.in_channels

    def __len__(self) -> int:
        """Return the number of crops."""
        return self.length

    def __getitem__(self, index: int) -> Sample:
        """Return crop `index`."""
        index = check_index(self, index)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))
        return random_crop(self.dataset[index % len(self.dataset)], rng, size=self.size)
