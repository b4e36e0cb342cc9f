"""Augmentation: variations of a sample that leave its truth true.

Each step takes `(sample, rng)` and returns a new sample. What moves pixels moves image,
labels and instances alike; what changes intensities leaves the annotation alone. Steps with
other settings are made with `functools.partial`; `Augment` runs several in a row.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from .sample import Sample

Step = Callable[[Sample, np.random.Generator], Sample]


class Augment:
    """Run augmentation steps one after the other.

    Parameters
    ----------
    *steps : callable
        Each takes `(sample, rng)` and returns a sample.

    Examples
    --------
    >>> from functools import partial
    >>> from minis.data import Cells, elastic
    >>> augment = Augment(partial(random_crop, size=(64, 48)), flip, elastic, intensity)
    >>> augment(Cells(1)[0], np.random.default_rng(0)).size
    (64, 48)
    """

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Return the sample after every step."""
        for step in self.steps:
            sample = step(sample, rng)
        return sample


def flip(sample: Sample, rng: np.random.Generator, *, axes: Sequence[int] | None = None) -> Sample:
    """Mirror each axis with probability one half.

    Parameters
    ----------
    sample : Sample
    rng : numpy.random.Generator
    axes : sequence of int, optional
        The spatial axes that may be mirrored, all unless given. Cells have no upside; a street
        has: there it is `axes=(-1,)`.

    Returns
    -------
    Sample

    Examples
    --------
    >>> image = np.array([[[0.0, 1.0]]], np.float32)
    >>> sample = Sample(image, image[0].astype(np.int64))
    >>> flip(sample, np.random.default_rng(3)).labels
    array([[1, 0]])
    """
    dims = len(sample.size)
    allowed = range(-dims, 0) if axes is None else [axis % dims - dims for axis in axes]
    chosen = tuple(axis for axis in allowed if rng.random() < 0.5)
    return sample.map(lambda array: np.flip(array, chosen))


def rot90(sample: Sample, rng: np.random.Generator) -> Sample:
    """Turn by a random number of quarter turns; shape and spacing stay.

    The plane is any of those whose two sides are alike, in pixels and in millimetres. If there is
    none, it is that of the last two axes, and takes half turns only.

    Parameters
    ----------
    sample : Sample
        Two or three spatial axes.
    rng : numpy.random.Generator

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        If there is but one spatial axis.

    Examples
    --------
    >>> sample = Sample(np.zeros((1, 2, 2), np.float32), np.array([[0, 1], [2, 3]]))
    >>> rot90(sample, np.random.default_rng(0)).labels
    array([[2, 0],
           [3, 1]])
    """
    dims = len(sample.size)
    if dims < 2:
        raise ValueError(f"rot90: {sample!r} has one spatial axis, a turn needs two")
    spacing = sample.spacing or (1.0,) * dims
    alike = [
        (a, b)
        for a, b in combinations(range(dims), 2)
        if sample.size[a] == sample.size[b] and np.isclose(spacing[a], spacing[b], rtol=1e-3)
    ]
    planes = alike or [(dims - 2, dims - 1)]
    a, b = planes[rng.integers(len(planes))]
    turns = int(rng.integers(4)) if alike else 2 * int(rng.integers(2))
    return sample.map(lambda array: np.rot90(array, turns, (a - dims, b - dims)))


def random_crop(sample: Sample, rng: np.random.Generator, *, size: tuple[int, ...]) -> Sample:
    """Cut out a box at a random place, each place being equally likely.

    Parameters
    ----------
    sample : Sample
    rng : numpy.random.Generator
    size : tuple of int
        Spatial shape of the box.

    Returns
    -------
    Sample
        Its objects are numbered anew; one that the box cuts keeps the part inside.

    Raises
    ------
    ValueError
        If the box has other axes than the sample or is larger.

    Examples
    --------
    >>> sample = Sample(np.zeros((3, 8, 8), np.float32), np.zeros((8, 8), np.int64))
    >>> random_crop(sample, np.random.default_rng(0), size=(4, 6)).image.shape
    (3, 4, 6)
    """
    if len(size) != len(sample.size) or any(
        not 0 < want <= have for want, have in zip(size, sample.size, strict=True)
    ):
        raise ValueError(f"random_crop: cannot cut {tuple(size)} out of {sample!r}")
    corner = [rng.integers(have - want + 1) for want, have in zip(size, sample.size, strict=True)]
    box: tuple[Any, ...] = (..., *map(slice, corner, np.add(corner, size)))
    return sample.map(lambda array: array[box])


def intensity(
    sample: Sample,
    rng: np.random.Generator,
    *,
    gain: float = 0.2,
    bias: float = 0.1,
    gamma: float = 0.3,
    noise: float = 0.03,
) -> Sample:
    """Change brightness, contrast and noise as another exposure would.

        x  ->  clip(g · x^γ + b + n, 0, 1)

    One g, γ and b for the whole image, so that channels keep their balance.

    Parameters
    ----------
    sample : Sample
        Its image lies in 0…1.
    rng : numpy.random.Generator
    gain : float
        g is uniform in 1 ± gain.
    bias : float
        b is uniform in ± bias.
    gamma : float
        γ = exp(u), u uniform in ± gamma.
    noise : float
        n is normal, its standard deviation uniform in 0…noise.

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        If the image leaves 0…1, where a power is not defined.

    Examples
    --------
    >>> sample = Sample(np.full((1, 2, 2), 0.5, np.float32), np.zeros((2, 2), np.int64))
    >>> brighter = intensity(sample, np.random.default_rng(0), noise=0)
    >>> bool((brighter.image == brighter.image[0, 0, 0]).all())
    True
    """
    x = sample.image
    if x.min(initial=0) < 0 or x.max(initial=0) > 1:
        raise ValueError(
            f"intensity: image of {sample!r} spans {x.min():g} … {x.max():g}, expected 0 … 1"
        )
    g, b = 1 + rng.uniform(-gain, gain), rng.uniform(-bias, bias)
    power, deviation = np.exp(rng.uniform(-gamma, gamma)), rng.uniform(0, noise)
    y = g * x**power + b + deviation * rng.standard_normal(x.shape)
    return replace(sample, image=np.clip(y, 0, 1).astype(np.float32))
