"""How the command line trains, evaluates and predicts: one recipe, from files to files.

A file of weights says how it was made: which network, which classes, whether images were
stretched. So whatever is done with it later prepares images in the same way.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import ops, show
from .data import (
    Augment,
    Crops,
    Dataset,
    ImageMaskFolder,
    flip,
    intensity,
    load,
    predict_tiled,
    random_split,
    read_image,
    rot90,
    stretch,
    write_image,
    write_mask,
)
from .data.images import SUFFIXES
from .models import build, rebuild
from .nn import Module
from .training import (
    Adam,
    Batches,
    CheckpointError,
    History,
    cosine,
    evaluate,
    fit,
    load_weights,
    read_metadata,
)

IGNORE = 255
UPRIGHT = ("digits", "streets")  # data sets whose images must not be turned
TILE, MARGIN = 512, 64  # larger images are predicted in tiles; a multiple of any mini's stride


@dataclass(frozen=True)
class Trained:
    """A network read from a file, with what the file says of it."""

    model: Module
    classes: tuple[str, ...]
    stretched: bool
    in_channels: int


def own_images(
    images: str | os.PathLike[str], masks: str | os.PathLike[str], *, stretched: bool
) -> ImageMaskFolder:
    """Open a folder of images and one of masks, and read every file once to find what is wrong."""
    folder = ImageMaskFolder(images, masks, prepare=stretch if stretched else None)
    folder.check()
    return folder


def datasets(
    name: str | None,
    images: Path | None,
    masks: Path | None,
    *,
    stretched: bool,
    test_share: float = 0.2,
    seed: int = 0,
) -> tuple[Dataset, Dataset]:
    """Load a data set by name, or one's own folders split at random.

    Raises
    ------
    ValueError
        Unless there is either a name, or both folders.
    """
    if (images is None) != (masks is None) or (name is None) == (images is None):
        raise ValueError("give either --data NAME, or both --images FOLDER and --masks FOLDER")
    if name is not None:
        return load(name)
    assert images is not None
    assert masks is not None
    folder = own_images(images, masks, stretched=stretched)
    return random_split(folder, test_share, np.random.default_rng(seed))


def train(
    name: str,
    train_set: Dataset,
    test_set: Dataset,
    directory: Path,
    *,
    variant: str = "mini",
    steps: int = 240,
    batch_size: int = 8,
    crop: int = 96,
    learning_rate: float = 3e-3,
    seed: int = 0,
    turns: bool = True,
    resume: bool = False,
    stretched: bool = False,
    validate_every: int = 60,
) -> History:
    """Train a network on random crops, and keep the last and the best state in `directory`.

    Parameters
    ----------
    name, variant : str
        See `minis.models.build`.
    train_set, test_set : Dataset
        The best state is that of the highest mean IoU on the second.
    directory : path
        Where `last.safetensors` and `best.safetensors` go.
    steps, batch_size, crop : int
        Training steps, crops in each, and their side in pixels; smaller where images are.
    learning_rate : float
        Adam's, falling to zero along a cosine.
    seed : int
        Of everything random.
    turns : bool
        Whether crops are also mirrored and turned: not where up and left mean something, as in
        digits and streets.
    resume : bool
        Go on from `last.safetensors`.
    stretched : bool
        Whether images were stretched, for the record.
    validate_every : int
        Steps between two looks at `test_set`.

    Returns
    -------
    History
    """
    rng = np.random.default_rng(seed)
    arguments: dict[str, Any] = {
        "name": name,
        "variant": variant,
        "in_channels": train_set.in_channels,
        "num_classes": train_set.num_classes,
    }
    model = build(**arguments, rng=rng)
    axes = train_set[0].labels.ndim
    smallest = np.min([train_set[i].labels.shape for i in range(len(train_set))], axis=0)
    size = tuple(min(crop, int(side)) for side in smallest[-axes:])
    crops = Crops(train_set, size, batch_size * steps, seed=seed)
    return fit(
        model,
        Batches(crops, batch_size, Augment(*((flip, rot90) if turns else ()), intensity)),
        loss=void_aware_cross_entropy,
        optimiser=Adam(model.named_parameters(), lr=learning_rate),
        schedule=cosine(steps),
        steps=steps,
        rng=rng,
        validate=lambda m: evaluate(m, test_set, num_classes=train_set.num_classes),
        validate_every=validate_every,
        directory=directory,
        resume=resume,
        metadata={
            "model": arguments,
            "classes": list(train_set.classes),
            "stretched": stretched,
        },
    )


def void_aware_cross_entropy(logits: Any, labels: Any) -> tuple[float, Any]:
    """Cross-entropy that leaves out pixels labelled 255, and its gradient."""
    loss, probabilities = ops.cross_entropy(logits, labels, ignore_index=IGNORE)
    gradient = ops.cross_entropy_backward(1.0, probabilities, labels, ignore_index=IGNORE)
    return float(loss), gradient


def open_trained(weights: Path) -> Trained:
    """Read a network that `train` wrote.

    Raises
    ------
    CheckpointError
        If the file is damaged, or doesn't say what it holds.
    """
    metadata: Mapping[str, Any] = read_metadata(weights)
    try:
        model = load_weights(rebuild(metadata, str(weights)), weights).eval()
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{weights}: not a network that `minis train` wrote: {error}"
        ) from error
    return Trained(
        model,
        tuple(metadata["classes"]),
        bool(metadata["stretched"]),
        int(metadata["model"]["in_channels"]),
    )


def predict_labels(trained: Trained, image: Any) -> Any:
    """Segment one image (C, *S) of any size: the class of each pixel (*S)."""
    if image.shape[0] != trained.in_channels:
        raise ValueError(
            f"the image has {image.shape[0]} channels, the network was trained on "
            f"{trained.in_channels}"
        )
    if max(image.shape[1:]) <= TILE:
        return trained.model(image[None])[0].argmax(axis=0)
    return predict_tiled(trained.model, image, TILE, MARGIN, batch_size=1).argmax(axis=0)


def predict_files(
    trained: Trained,
    source: Path,
    destination: Path,
    report: Callable[[Path, Any], None] = lambda path, labels: None,
) -> int:
    """Segment an image, or every image of a folder; write masks and overlays.

    Parameters
    ----------
    trained : Trained
    source : path
        A file or a folder.
    destination : path
        A folder, made if it isn't there; gets `NAME_mask.png`, the class of each pixel, and
        `NAME_overlay.png`, the image with the classes in colour.
    report : callable
        Called with each image's path and its labels.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder, or no image in it.
    """
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    paths = [source]
    if source.is_dir():
        paths = sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES)
        if not paths:
            raise FileNotFoundError(
                f"{source}: no images (looked for {', '.join(sorted(SUFFIXES))})"
            )
    destination.mkdir(parents=True, exist_ok=True)
    for path in paths:
        image = read_image(path)
        if trained.stretched:
            image = stretch(image)
        try:
            labels = predict_labels(trained, image)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        write_mask(destination / f"{path.stem}_mask.png", labels)
        colours = show.overlay(np.clip(image, 0, 1), show.class_colours(labels))
        write_image(destination / f"{path.stem}_overlay.png", np.moveaxis(colours, -1, 0))
        report(path, labels)
    return len(paths)
