"""How the command line uses a trained network on a volume: the mask, and three planes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .backend import on_cpu
from .data import (
    Geometry,
    Volume,
    predict_tiled,
    read_volume,
    stretch,
    write_volume_mask,
)
from .data.geometry import check_spacing, millimetres
from .show import save_figure
from .show_volume import three_planes

if TYPE_CHECKING:
    from .prediction import Trained

MASK_AND_PLANES = ("_mask.nii.gz", "_planes.png")  # endings of a volume's results
TILE, MARGIN, STRIDE = 128, 16, 16  # STRIDE: a multiple of any mini's


def predict_volume(model: Callable[[Any], Any], image: Any) -> Any:
    """Segment a volume of any size: the class of each voxel.

    Along an axis of more than 128 voxels, tiles overlap by 16 on either side. A network that looks
    further than 16 voxels around sees less there than in one piece.

    Parameters
    ----------
    model : callable
        From (1, C, D, H, W) to logits (1, K, D, H, W).
    image : (C, D, H, W) array

    Returns
    -------
    (D, H, W) integer array

    Examples
    --------
    >>> image = np.zeros((1, 140, 4, 2), np.float32)
    >>> image[:, 130:] = 1
    >>> predict_volume(lambda x: np.concatenate([0.5 - x, x - 0.5], axis=1), image).sum()
    np.int64(80)
    """
    axes = [tile_of(length) for length in image.shape[1:]]
    tile, margin = zip(*axes, strict=True)
    return predict_tiled(partial(best_classes, model), image, tile, margin, batch_size=1)[0]


def best_classes(model: Callable[[Any], Any], images: Any) -> Any:
    """Return the most probable class of each pixel as NumPy array: (N, 1, *spatial)."""
    return on_cpu(model(images).argmax(axis=1))[:, None]  # (N, K, *spatial) -> (N, 1, *spatial)


def tile_of(length: int) -> tuple[int, int]:
    """Return the tile's length and its margin along an axis of `length` voxels.

    A short axis goes in one piece. Of a long one, all tiles have the same length, as small as
    their number allows; it is a multiple of 16, so that they fall alike on the network's strides.

    Examples
    --------
    >>> tile_of(100), tile_of(150), tile_of(400)
    ((100, 0), (112, 16), (112, 16))
    """
    if length <= TILE:
        return length, 0
    pieces = -(-length // (TILE - 2 * MARGIN))
    inner = -(-length // (pieces * STRIDE)) * STRIDE
    return inner + 2 * MARGIN, MARGIN


def segment_file(
    trained: Trained,
    path: Path,
    mask: Path,
    planes: Path,
    report: Callable[[str], None],
    spacing: Sequence[float] | None = None,
) -> None:
    """Segment the volume in a file; write its mask, in the same place in space, and three planes.

    Parameters
    ----------
    trained : Trained
        A network for volumes.
    path, mask, planes : path
        The volume, and where the results go.
    report : callable
        Called with a line for whatever the user should know.
    spacing : three floats, optional
        Millimetres, for a file that doesn't say them.

    Raises
    ------
    ValueError
        If the volume can't be read or doesn't fit the network; the text names the file.
    """
    volume = read_volume(path, spacing)
    image, told = prepared(trained, volume)
    for line in (*told, *differences(trained, volume.geometry)):
        report(f"{path.name}: {line}")
    try:
        labels = trained.predict(image)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    figure = three_planes(
        image,
        labels,
        volume.spacing,
        orientation=volume.geometry.orientation,
        classes=trained.classes,
    )
    mask.parent.mkdir(parents=True, exist_ok=True)
    write_volume_mask(mask, np.array(trained.mask_values)[labels], volume.geometry)
    save_figure(figure, planes)


def prepared(trained: Trained, volume: Volume) -> tuple[Any, list[str]]:
    """Return the volume with intensities as in training, and what there is to say about that."""
    image = volume.image
    if trained.stretched:
        return stretch(image), []
    low, high = float(image.min()), float(image.max())
    if low >= 0 and high <= 1:
        return image, []
    return stretch(image), [
        f"intensities span {low:g} … {high:g} but the network was trained on 0 … 1: stretched"
    ]


def differences(trained: Trained, geometry: Geometry) -> list[str]:
    """Say in which ways a volume lies otherwise than those that the network was trained on."""
    told = []
    if trained.spacing is not None:
        ratio = np.array(geometry.spacing) / trained.spacing
        if (np.abs(ratio - 1) > 0.1).any():
            told.append(
                f"warning: voxels of {millimetres(geometry.spacing)} but the network was trained "
                f"at {millimetres(trained.spacing)}: resample the volume for results that can be "
                "trusted"
            )
    if trained.orientation and geometry.orientation != trained.orientation:
        told.append(
            f"warning: the axes point {geometry.orientation or 'nobody knows where'} but in "
            f"training {trained.orientation}: turn the volume, as nibabel's as_reoriented does"
        )
    return told


def parse_spacing(text: str) -> tuple[float, ...]:
    """Read the option --spacing.

    Examples
    --------
    >>> parse_spacing("1,1,2.5")
    (1.0, 1.0, 2.5)
    >>> parse_spacing("1 mm")
    Traceback (most recent call last):
    ValueError: --spacing '1 mm': expected three numbers of millimetres, such as 1,1,2.5
    """
    try:
        return check_spacing("--spacing", [float(edge) for edge in text.split(",")])
    except ValueError as error:
        raise ValueError(
            f"--spacing {text!r}: expected three numbers of millimetres, such as 1,1,2.5"
        ) from error
