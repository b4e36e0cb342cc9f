"""Data sets by name, each as a training and a test part: what the command line knows."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .augment import intensity
from .brain import CLASSES as TISSUES
from .brain import brain_split
from .cells import Cells
from .digits import digit_scenes
from .ellipsoids import Ellipsoids
from .nuclei import CLASSES as NUCLEI
from .nuclei import nuclei_split
from .sample import Dataset
from .scanner import rician_noise
from .shapes import Shapes
from .streets import Streets
from .views import Samples

Pair = tuple[Dataset, Dataset]


def load(name: str, **options: Any) -> Pair:
    """Load a data set by its name.

    Parameters
    ----------
    name : str
        One of `DATASETS`. Nuclei and brain are one large image a part (cut them with `Crops`);
        digits, shapes, cells, streets and ellipsoids are scenes drawn when asked for; in
        "digits-apart" no digit hides more than a corner of another.
    **options
        For the scenes `train`, `test` (how many), `size`, `seed` and what the class takes; for
        nuclei and brain the arguments of `nuclei_split` and `brain_split`. Brain comes as `train`
        scans of its one part and `test` of the other, each with noise (`rician_noise`, whose
        `sigma` it takes) and with brightness and contrast of its own (`intensity`), drawn from
        `seed`: of the template as it is, each voxel's brightness alone says nearly everything.

    Returns
    -------
    train, test : Dataset
        Without a common scene, digit or pixel.

    Raises
    ------
    ValueError
        If there is no data set of that name.
    MissingPackageError
        If its data lie in a package that is not installed.

    Examples
    --------
    >>> train, test = load("shapes", train=30, test=10, size=(64, 64))
    >>> len(train), len(test), train.classes
    (30, 10, ('background', 'circle', 'square', 'triangle'))
    """
    if name not in DATASETS:
        raise ValueError(f"no data set {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name](**options)


def _nuclei(**options: Any) -> Pair:
    train, test = nuclei_split(**options)
    return Samples([train], NUCLEI), Samples([test], NUCLEI)


def _brain(
    *, train: int = 12, test: int = 4, sigma: float = 0.1, seed: int = 0, **options: Any
) -> Pair:
    """The back of the head and its front, each as several scans would show it."""
    back, front = brain_split(**options)
    scans = []
    for part, count, number in ((back, train, 2 * seed), (front, test, 2 * seed + 1)):
        rng = np.random.default_rng(number)
        noisy = (rician_noise(part, rng, sigma=sigma) for _ in range(count))
        scans.append(Samples([intensity(sample, rng, noise=0.0) for sample in noisy], TISSUES))
    return scans[0], scans[1]


def _scenes(kind: Callable[..., Dataset]) -> Callable[..., Pair]:
    """Training scenes from an even seed, test scenes from the odd one after it."""

    def pair(*, train: int = 200, test: int = 50, seed: int = 0, **options: Any) -> Pair:
        return kind(train, seed=2 * seed, **options), kind(test, seed=2 * seed + 1, **options)

    return pair


DATASETS: dict[str, Callable[..., Pair]] = {
    "nuclei": _nuclei,
    "digits": digit_scenes,
    "digits-apart": partial(digit_scenes, overlap=0.1),
    "brain": _brain,
    "shapes": _scenes(Shapes),
    "cells": _scenes(Cells),
    "streets": _scenes(Streets),
    "ellipsoids": _scenes(Ellipsoids),
}
