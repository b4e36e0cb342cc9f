"""How the command line trains: from a data set's name, or folders of one's own, to checkpoints.

A checkpoint says how it was made: which network, which classes, how images were prepared. What is
done with it later prepares images in the same way, and a run can only be resumed as it was begun.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import ops
from .backend import active_backend, unavailable
from .data import (
    IGNORE,
    Augment,
    Crops,
    Dataset,
    ImageMaskFolder,
    flip,
    intensity,
    load,
    random_split,
    rot90,
    stretch,
)
from .models import build
from .training import Adam, Batches, History, cosine, evaluate, fit, read_metadata

FLAT = ("nuclei", "digits", "shapes", "cells", "streets")  # data sets with two spatial axes
UPRIGHT = ("digits", "streets")  # those whose images must not be turned
SMALLEST_SIDE = 16  # of an image to train on
LAST = "last.safetensors"


@dataclass(frozen=True)
class Settings:
    """What determines a run, besides its images.

    Attributes
    ----------
    model : str
        See `minis.models.build`; its mini version is trained.
    data : str
        The data set's name, or the folders.
    steps, batch_size, crop : int
        Training steps, crops in each, and their side in pixels; smaller where images are.
    learning_rate : float
        Adam's at the beginning; it falls to zero along a cosine.
    seed : int
        Of the split, the weights, the crops and the augmentation.
    turns : bool
        Whether crops are also mirrored and turned: not where up and left mean something.
    stretched : bool
        Whether each image's contrast was stretched.
    """

    model: str = "unet"
    data: str = "nuclei"
    steps: int = 240
    batch_size: int = 8
    crop: int = 96
    learning_rate: float = 3e-3
    seed: int = 0
    turns: bool = True
    stretched: bool = False


def own_images(
    images: Path, masks: Path, *, stretched: bool, classes: dict[int, str] | None = None
) -> ImageMaskFolder:
    """Open a folder of images and one of masks, and read every file once to find what is wrong.

    Without `classes`, the name of each value in the masks, every value found is a class.
    """
    folder = ImageMaskFolder(images, masks, classes=classes, prepare=stretch if stretched else None)
    folder.check()
    return folder


def datasets(
    name: str | None, images: Path | None, masks: Path | None, *, stretched: bool, seed: int = 0
) -> tuple[Dataset, Dataset]:
    """Load a data set's two parts by name, or one's own folders, a fifth held out at random.

    Raises
    ------
    ValueError
        Unless there is either the name of a data set of flat images, or both folders with at
        least two pairs.
    """
    if (images is None) != (masks is None) or (name is None) == (images is None):
        raise ValueError("give either --data NAME, or both --images FOLDER and --masks FOLDER")
    if images is None or masks is None:
        if name not in FLAT:
            raise ValueError(f"no data set {name!r} to train on; there are {', '.join(FLAT)}")
        return load(name)
    folder = own_images(images, masks, stretched=stretched)
    if len(folder) < 2:
        raise ValueError(f"{images}: at least two images are needed, one of them to be held out")
    return random_split(folder, 0.2, np.random.default_rng(seed))


def summary(
    train_set: Dataset, test_set: Dataset, settings: Settings, size: tuple[int, ...]
) -> str:
    """Say what is about to be trained on what, in crops of shape `size`."""
    return (
        f"{settings.data}: {len(train_set)} to train on, {len(test_set)} held out; "
        f"{train_set.num_classes} classes: {', '.join(train_set.classes)}\n"
        f"{settings.model}, {settings.steps} steps of {settings.batch_size} crops of "
        f"{' × '.join(map(str, size))} pixels; backend {_serving()}"
    )


def _serving() -> str:
    backend = active_backend()
    if backend != "auto":
        return backend
    return "numpy" if unavailable("numba") else "numba"


def crop_size(dataset: Dataset, crop: int) -> tuple[int, ...]:
    """Return the shape of crops that every image has room for: reads every image.

    Raises
    ------
    ValueError
        If an image is too small to train on, naming it.
    """
    size = np.full(2, crop)
    for i in range(len(dataset)):
        sample = dataset[i]
        if min(sample.labels.shape) < SMALLEST_SIDE:
            raise ValueError(
                f"{sample.name}: {' × '.join(map(str, sample.labels.shape))} pixels, at least "
                f"{SMALLEST_SIDE} a side are needed to train on; leave it out"
            )
        size = np.minimum(size, sample.labels.shape)
    return tuple(size.tolist())


def train(
    train_set: Dataset,
    test_set: Dataset,
    settings: Settings,
    size: tuple[int, ...],
    directory: Path,
    *,
    resume: bool = False,
    validate_every: int = 60,
) -> History:
    """Train a network on random crops, and keep the last and the best state in `directory`.

    Parameters
    ----------
    train_set, test_set : Dataset
        The best state is that of the highest mean IoU on the second.
    settings : Settings
    size : tuple of int
        Shape of the crops, as `crop_size` gives it.
    directory : path
        Where `last.safetensors` and `best.safetensors` go.
    resume : bool
        Go on from `last.safetensors`.
    validate_every : int
        Steps between two looks at `test_set`.

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If the run to resume was begun with other settings.
    """
    if resume:
        _check_same_settings(directory / LAST, settings)
    rng = np.random.default_rng(settings.seed)
    arguments: dict[str, Any] = {
        "name": settings.model,
        "in_channels": train_set.in_channels,
        "num_classes": train_set.num_classes,
    }
    model = build(**arguments, rng=rng)
    # the crops of one epoch are those of the whole run
    crops = Crops(train_set, size, settings.batch_size * settings.steps, seed=settings.seed)
    turns = (flip, rot90) if settings.turns else ()
    return fit(
        model,
        Batches(crops, settings.batch_size, Augment(*turns, intensity)),
        loss=void_aware_cross_entropy,
        optimiser=Adam(model.named_parameters(), lr=settings.learning_rate),
        schedule=cosine(settings.steps),
        steps=settings.steps,
        rng=rng,
        validate=lambda m: evaluate(m, test_set, num_classes=train_set.num_classes),
        validate_every=validate_every,
        directory=directory,
        resume=resume,
        metadata={
            "model": arguments,
            "classes": list(train_set.classes),
            "mask_values": mask_values(train_set),
            "settings": asdict(settings),
        },
    )


def mask_values(dataset: Dataset) -> list[int]:
    """Return the value that each class has in the user's masks; its number where there are none."""
    whole = getattr(dataset, "dataset", dataset)
    if not isinstance(whole, ImageMaskFolder) or whole.instances:
        return list(range(dataset.num_classes))
    return [min(v for v, c in whole.values.items() if c == k) for k in range(whole.num_classes)]


def void_aware_cross_entropy(logits: Any, labels: Any) -> tuple[float, Any]:
    """Cross-entropy that leaves out void pixels, and its gradient."""
    loss, probabilities = ops.cross_entropy(logits, labels, ignore_index=IGNORE)
    gradient = ops.cross_entropy_backward(1.0, probabilities, labels, ignore_index=IGNORE)
    return float(loss), gradient


def _check_same_settings(last: Path, settings: Settings) -> None:
    if not last.exists():
        return
    begun = read_metadata(last).get("settings", {})
    now = asdict(settings)
    changed = [f"{k} was {begun.get(k)!r}, is {now[k]!r}" for k in now if begun.get(k) != now[k]]
    if changed:
        raise ValueError(
            f"{last}: a run goes on only as it was begun, but {'; '.join(changed)}. Give the "
            "options it was begun with, or another --out"
        )
