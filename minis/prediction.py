"""How the command line uses a trained network: on an image, or a folder of images."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import show
from .data import predict_tiled, read_image, stretch, write_image, write_mask
from .data.images import SUFFIXES
from .models import rebuild
from .nn import Module
from .training import CheckpointError, load_weights, read_metadata

TILE, MARGIN = 512, 64  # larger images are predicted in tiles; multiples of any mini's stride


@dataclass(frozen=True)
class Trained:
    """A network read from a file, with what the file says of it.

    Attributes
    ----------
    model : Module
        In evaluation mode.
    classes : tuple of str
        Their names.
    mask_values : tuple of int
        The value that each class has in masks.
    stretched : bool
        Whether images are to be stretched first.
    in_channels : int
        Channels of the images.
    """

    model: Module
    classes: tuple[str, ...]
    mask_values: tuple[int, ...]
    stretched: bool
    in_channels: int


def open_trained(weights: Path) -> Trained:
    """Read a network that `minis train` wrote.

    Raises
    ------
    CheckpointError
        If the file is damaged, or doesn't say what it holds.
    """
    metadata: Mapping[str, Any] = read_metadata(weights)
    try:
        model = load_weights(rebuild(metadata, str(weights)), weights).eval()
        return Trained(
            model,
            tuple(metadata["classes"]),
            tuple(metadata["mask_values"]),
            bool(metadata["settings"]["stretched"]),
            int(metadata["model"]["in_channels"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{weights}: not a network that `minis train` wrote: {error}"
        ) from error


def predict_labels(trained: Trained, image: Any) -> Any:
    """Segment one image (C, H, W) of any size: the class of each pixel (H, W)."""
    check_channels(trained, image.shape[0])
    if max(image.shape[1:]) <= TILE:
        return trained.model(image[None])[0].argmax(axis=0)
    return predict_tiled(trained.model, image, TILE, MARGIN, batch_size=1).argmax(axis=0)


def check_channels(trained: Trained, channels: int) -> None:
    """Raise ValueError unless images have as many channels as the network was trained on."""
    if channels != trained.in_channels:
        raise ValueError(
            f"the image has {channels} channels, the network was trained on {trained.in_channels}"
        )


def predict_files(
    trained: Trained,
    source: Path,
    destination: Path,
    report: Callable[[str], None] = lambda line: None,
    *,
    overwrite: bool = False,
) -> int:
    """Segment an image, or every image of a folder; write masks and overlays.

    Parameters
    ----------
    trained : Trained
    source : path
        A file or a folder.
    destination : path
        Another folder, made if it isn't there; gets `NAME_mask.png`, each class as its value in
        masks, and `NAME_overlay.png`, the image with the classes in colour.
    report : callable
        Called with a line for each image.
    overwrite : bool
        Whether results that are there already may be replaced.

    Returns
    -------
    int
        Number of images.

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder, or no image in it.
    FileExistsError
        If a result is there already and `overwrite` is False; then nothing is written.
    ValueError
        If two images have one name, an image can't be read or doesn't fit the network, or
        `destination` is the folder of the images.
    """
    paths = _images(source)
    if destination.resolve() == paths[0].parent.resolve():
        raise ValueError(f"{destination}: the images are there; choose another folder for results")
    if destination.exists() and not destination.is_dir():
        raise ValueError(f"{destination}: is a file, expected a folder")
    there = [r for path in paths for r in _results(path, destination) if r.exists()]
    if there and not overwrite:
        raise FileExistsError(f"{there[0]} is there already; --overwrite replaces it")
    values = np.array(trained.mask_values)
    for path in paths:
        image = read_image(path)
        if trained.stretched:
            image = stretch(image)
        try:
            labels = predict_labels(trained, image)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
        colours = show.overlay(np.clip(image, 0, 1), show.class_colours(labels))
        destination.mkdir(parents=True, exist_ok=True)
        mask, overlay = _results(path, destination)
        write_mask(mask, values[labels])
        write_image(overlay, np.moveaxis(colours, -1, 0))
        report(f"{path.name} → {mask.name}, {overlay.name}")
    return len(paths)


def _results(image: Path, destination: Path) -> tuple[Path, Path]:
    """Name an image's mask and overlay."""
    return destination / f"{image.stem}_mask.png", destination / f"{image.stem}_overlay.png"


def _images(source: Path) -> list[Path]:
    """List the image files, each of another name."""
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such file or folder")
    if not source.is_dir():
        return [source]
    paths = sorted(p for p in source.iterdir() if p.suffix.lower() in SUFFIXES and p.name[0] != ".")
    if not paths:
        raise FileNotFoundError(f"{source}: no images (looked for {', '.join(sorted(SUFFIXES))})")
    for one, other in itertools.pairwise(paths):
        if one.stem == other.stem:
            raise ValueError(f"{other}: has the same name as {one.name}; results would mix")
    return paths
