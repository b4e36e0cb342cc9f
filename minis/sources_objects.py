"""Where the command line gets images with objects: data sets by name, or one's own files.

One's own come as a folder of images and either a file of annotations in COCO's format, or a folder
of masks in which each object has a number of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .data import (
    Dataset,
    ImageMaskFolder,
    Samples,
    load,
    open_folders,
    random_split,
    stretch,
)
from .data.coco import CocoFolder
from .data.packages import require
from .data.targets import has_objects
from .recipes import WHOLE
from .sources import crop_size

SCENES = WHOLE  # drawn when asked for: training never sees one twice
PICTURES = ("nuclei", "cells")
OPTIONS = (  # name, images, masks, annotations: which of them go together
    (True, False, False, False),
    (False, True, True, False),
    (False, True, False, True),
)


def own_objects(
    images: Path,
    annotations: Path,
    *,
    in_channels: int = 3,
    stretched: bool,
    classes: tuple[str, ...] | None = None,
) -> CocoFolder:
    """Open a folder of images and their annotations in COCO's format.

    Parameters
    ----------
    images, annotations : path
        The folder, and the JSON file.
    in_channels : int
        Channels that images are to have; grey ones are repeated.
    stretched : bool
        Whether to stretch each image's contrast.
    classes : tuple of str, optional
        Names that the categories must have, the background first.

    Raises
    ------
    ValueError
        If a file is wrong, naming it, or there are other categories.
    """
    require("pycocotools", "reading annotations")
    folder = CocoFolder(
        images, annotations, in_channels=in_channels, prepare=stretch if stretched else None
    )
    if classes is not None and folder.classes != tuple(classes):
        raise ValueError(
            f"{annotations}: the categories are {', '.join(folder.classes[1:])}; the network knows "
            f"{', '.join(classes[1:])}"
        )
    return folder


def own_instances(images: Path, masks: Path, *, stretched: bool) -> ImageMaskFolder:
    """Open a folder of images and one of masks that number the objects; 0 is the background.

    Raises
    ------
    ValueError
        If they are volumes.
    """
    folder = open_folders(images, masks, instances=True, prepare=stretch if stretched else None)
    if folder[0].labels.ndim != 2:
        raise ValueError(f"{images}: volumes; a detector is for flat images")
    return folder


def object_datasets(
    name: str | None,
    images: Path | None,
    masks: Path | None,
    annotations: Path | None,
    *,
    scenes: int | None = None,
    stretched: bool,
    seed: int = 0,
) -> tuple[Dataset, Dataset]:
    """Load a data set's two parts by name, or one's own images, a fifth held out at random.

    Parameters
    ----------
    name : str, optional
        One of `SCENES` and `PICTURES`.
    images, masks, annotations : path, optional
        One's own: images and one of the other two.
    scenes : int, optional
        How many different ones there are to train on, of `SCENES`.
    stretched : bool
        Whether to stretch the contrast of one's own.
    seed : int
        Of the division.

    Raises
    ------
    ValueError
        Unless there is either a known name, or images and one of the others; if there are fewer
        than two images, one is too small, or no object in either part.
    """
    given = tuple(option is not None for option in (name, images, masks, annotations))
    if given not in OPTIONS:
        raise ValueError(
            "give either --data NAME, or --images FOLDER and one of --annotations FILE, in COCO's "
            "format, and --masks FOLDER, where each object has a number"
        )
    if name is not None:
        if name not in SCENES + PICTURES:
            raise ValueError(
                f"no data set {name!r} of objects; there are {', '.join(SCENES + PICTURES)}"
            )
        train_set, test_set = load(name, **({"train": scenes} if scenes and name in SCENES else {}))
        return train_set, Samples(list(test_set), test_set.classes)
    folder = _own(images, masks, annotations, stretched)
    if len(folder) < 2:
        raise ValueError(f"{images}: at least two images are needed, one of them to be held out")
    crop_size(folder, 1)  # finds what is wrong with any image
    train_set, test_set = random_split(folder, 0.2, np.random.default_rng(seed))
    for part, what in ((train_set, "to train on"), (test_set, "held out")):
        if not any(has_objects(sample) for sample in part):
            raise ValueError(f"{images}: no object in the {len(part)} images {what}")
    return train_set, test_set


def _own(
    images: Path | None, masks: Path | None, annotations: Path | None, stretched: bool
) -> Dataset:
    """Open one's own images, given with one of the other two."""
    assert images is not None
    if annotations is not None:
        return own_objects(images, annotations, stretched=stretched)
    assert masks is not None
    return own_instances(images, masks, stretched=stretched)
