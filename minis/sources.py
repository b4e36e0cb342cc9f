"""Where the command line gets its images: a data set by its name, or folders of one's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .data import (
    Dataset,
    ImageMaskFolder,
    Sample,
    Samples,
    load,
    open_folders,
    random_split,
    stretch,
)

FLAT = (
    "nuclei",
    "digits",
    "digits-apart",
    "shapes",
    "cells",
    "streets",
)  # data sets with two spatial axes
VOLUMES = ("brain", "ellipsoids")  # with three
SMALLEST_SIDE = 16  # of an image to train on


def own_images(
    images: Path,
    masks: Path,
    *,
    axes: int,
    stretched: bool,
    void: int | None = None,
    classes: dict[int, str] | None = None,
) -> ImageMaskFolder:
    """Open a folder of images and one of masks, and read every file once to find what is wrong.

    Without `classes`, the name of each value in the masks, every value found but `void` is a class.

    Raises
    ------
    ValueError
        If the images have another number of spatial axes, or a file is wrong, naming it.
    """
    folder = open_folders(
        images,
        masks,
        classes=classes,
        ignore=() if void is None else (void,),
        prepare=stretch if stretched else None,
    )
    found = folder[0].labels.ndim
    if found != axes:
        raise ValueError(f"{images}: images with {found} spatial axes; the network is for {axes}")
    folder.check()
    return folder


def datasets(
    name: str | None,
    images: Path | None,
    masks: Path | None,
    *,
    axes: int = 2,
    stretched: bool,
    void: int | None = None,
    seed: int = 0,
) -> tuple[Dataset, Dataset]:
    """Load a data set's two parts by name, or one's own folders, a fifth held out at random.

    Raises
    ------
    ValueError
        Unless there is either the name of a data set of so many spatial axes, or both folders with
        at least two pairs.
    """
    if (images is None) != (masks is None) or (name is None) == (images is None):
        raise ValueError("give either --data NAME, or both --images FOLDER and --masks FOLDER")
    if images is None or masks is None:
        names = VOLUMES if axes == 3 else FLAT
        if name is None or name not in names:
            kind = "volumes" if axes == 3 else "flat images"
            raise ValueError(f"no data set {name!r} of {kind}; there are {', '.join(names)}")
        train_set, test_set = load(name)
        return _drawn(train_set), _drawn(test_set)
    folder = own_images(images, masks, axes=axes, stretched=stretched, void=void)
    if len(folder) < 2:
        raise ValueError(f"{images}: at least two images are needed, one of them to be held out")
    if folder.num_classes < 2:
        raise ValueError(
            f"{masks}: all masks hold the value {folder.classes[0]} alone; there must be two or "
            "more to tell apart"
        )
    return random_split(folder, 0.2, np.random.default_rng(seed))


def _drawn(dataset: Dataset) -> Dataset:
    """Hold all samples in memory: a street takes longer to draw than to learn from."""
    return Samples(list(dataset), dataset.classes)


def crop_size(dataset: Dataset, crop: int) -> tuple[int, ...]:
    """Return the shape of crops that every image has room for: reads every image.

    Raises
    ------
    ValueError
        If an image is too small to train on, or leaves 0…1, naming it.
    """
    size = np.full(dataset[0].labels.ndim, crop)
    for i in range(len(dataset)):
        sample = dataset[i]
        if min(sample.labels.shape) < SMALLEST_SIDE:
            raise ValueError(
                f"{sample.name}: {' × '.join(map(str, sample.labels.shape))} pixels, at least "
                f"{SMALLEST_SIDE} a side are needed to train on; leave it out"
            )
        if _leaves_range(sample):
            raise ValueError(
                f"{sample.name}: intensities span {sample.image.min():g} … {sample.image.max():g}, "
                "expected 0 … 1: leave --no-stretch out"
            )
        size = np.minimum(size, sample.labels.shape)
    return tuple(size.tolist())


def out_of_range(dataset: Dataset) -> bool:
    """Whether an image leaves 0…1: reads every image up to the first that does."""
    return any(_leaves_range(sample) for sample in dataset)


def _leaves_range(sample: Sample) -> bool:
    return not 0 <= sample.image.min() <= sample.image.max() <= 1


def orientation(dataset: Dataset) -> str | None:
    """Return where the axes of the user's volumes point; None where nothing says so."""
    value: str | None = getattr(getattr(dataset, "dataset", dataset), "orientation", None)
    return value


def mask_values(dataset: Dataset) -> list[int]:
    """Return the value that each class has in the user's masks; its number where there are none."""
    whole = getattr(dataset, "dataset", dataset)
    if not isinstance(whole, ImageMaskFolder) or whole.instances:
        return list(range(dataset.num_classes))
    return [min(v for v, c in whole.values.items() if c == k) for k in range(whole.num_classes)]
