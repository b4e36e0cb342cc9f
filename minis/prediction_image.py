"""How the command line uses a trained network on a flat image: the mask, and an overlay."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import show
from .data import read_image, stretch, write_image, write_mask

if TYPE_CHECKING:
    from .prediction import Trained

MASK_AND_OVERLAY = ("_mask.png", "_overlay.png")  # endings of an image's results


def segment_image(
    trained: Trained, path: Path, mask: Path, overlay: Path, report: Callable[[str], None]
) -> None:
    """Segment the image in a file; write its mask, and the image with the classes in colour.

    Parameters
    ----------
    trained : Trained
        A network for flat images.
    path, mask, overlay : path
        The image, and where the results go.
    report : callable
        Called with a line for whatever the user should know; there is nothing now.

    Raises
    ------
    ValueError
        If the image can't be read or doesn't fit the network; the text names the file.
    """
    image = read_image(path)
    if trained.stretched:
        image = stretch(image)
    try:
        labels = trained.predict(image)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    colours = show.overlay(np.clip(image, 0, 1), show.class_colours(labels))
    mask.parent.mkdir(parents=True, exist_ok=True)
    write_mask(mask, np.array(trained.mask_values)[labels])
    write_image(overlay, np.moveaxis(colours, -1, 0))
