"""Volumes and their masks in NIfTI files, with the place in space that belongs to them.

The arrays keep the axes that a file stores, in its order (i, j, k): nothing is turned or
resampled. Intensities are the file's real values, scl_slope · stored + scl_inter, in whatever
unit the scanner had: unlike images they are not divided by a maximum; `stretch` brings them to
0…1. The fourth axis of NIfTI is time, the fifth holds a voxel's channels.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .geometry import Geometry
from .nifti import decode, encode


class Volume(NamedTuple):
    """A volume as it was read.

    Attributes
    ----------
    image : (C, D, H, W) float32 array
        Intensities.
    spacing : three floats
        Edges of a voxel along D, H and W, in millimetres.
    geometry : Geometry
        Where it lies, for what is written to lie there too.
    """

    image: npt.NDArray[np.float32]
    spacing: tuple[float, float, float]
    geometry: Geometry


def read_volume(path: str | os.PathLike[str], spacing: Sequence[float] | None = None) -> Volume:
    """Read a volume.

    Parameters
    ----------
    path : path
        A NIfTI file, version 1 or 2, compressed or not, of any real type and byte order.
    spacing : three floats, optional
        Edges of a voxel in millimetres, taken only where the file doesn't say them. What it says
        in metres or micrometres is converted; without a unit it counts as millimetres.

    Returns
    -------
    Volume
        Its image is (C, D, H, W) float32, axes as stored.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MissingPackageError
        If nibabel is not installed.
    ValueError
        If it is no NIfTI file or a damaged one, has no usable spacing, is a series in time, or
        has voxels that are not finite. The text begins with the path.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     place = Geometry.from_spacing((3, 1, 1))
    ...     write_volume(f"{folder}/head.nii.gz", np.ones((1, 2, 4, 4), np.float32), place)
    ...     image, spacing, geometry = read_volume(f"{folder}/head.nii.gz")
    >>> image.shape, spacing
    ((1, 2, 4, 4), (3.0, 1.0, 1.0))
    """
    array, geometry = decode(Path(path), spacing)
    with np.errstate(over="ignore"):  # what leaves float32 becomes infinite, and is told below
        image = array.astype(np.float32, order="C")
    bad = image.size - int(np.isfinite(image).sum())
    if bad:
        raise ValueError(
            f"{path}: {bad} of {image.size} values are NaN or infinite; decide what they mean and "
            "replace them, as numpy.nan_to_num does"
        )
    return Volume(image, geometry.spacing, geometry)


def read_volume_mask(
    path: str | os.PathLike[str], spacing: Sequence[float] | None = None
) -> tuple[npt.NDArray[np.int64], Geometry]:
    """Read a mask: one whole number a voxel.

    Parameters
    ----------
    path, spacing
        As for `read_volume`. Whole numbers stored as floating values are fine.

    Returns
    -------
    labels : (D, H, W) int64 array
    geometry : Geometry

    Raises
    ------
    FileNotFoundError, MissingPackageError, ValueError
        As from `read_volume`; also for several channels or fractions.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     place = Geometry.from_spacing((3, 1, 1))
    ...     write_volume_mask(f"{folder}/mask.nii.gz", np.full((1, 1, 2), 300), place)
    ...     read_volume_mask(f"{folder}/mask.nii.gz")
    (array([[[300, 300]]]), Geometry(3 × 1 × 1 mm, axes not named))
    """
    array, geometry = decode(Path(path), spacing)
    if len(array) != 1:
        raise ValueError(
            f"{path}: a mask of {len(array)} channels; expected one label value a voxel"
        )
    with np.errstate(invalid="ignore"):  # NaN is no whole number either
        labels = array[0].astype(np.int64, order="C")
    wrong = int((labels != array[0]).sum())
    if wrong:
        raise ValueError(f"{path}: a mask in which {wrong} values are not whole numbers")
    return labels, geometry


def write_volume(
    path: str | os.PathLike[str], image: npt.NDArray[np.floating], geometry: Geometry
) -> None:
    """Write a volume in float32 so that `read_volume` returns it.

    Parameters
    ----------
    path : path
        Ends in .nii.gz or .nii.
    image : (C, D, H, W) floating array
    geometry : Geometry
        Where it lies.

    Raises
    ------
    ValueError
        If the shape or the ending does not fit.

    Examples
    --------
    >>> write_volume("x.nii", np.zeros((8, 8), np.float32), Geometry.from_spacing((1, 1, 1)))
    Traceback (most recent call last):
    ValueError: x.nii: volume of shape (8, 8), expected (C, D, H, W)
    """
    if image.ndim != 4 or not image.size:
        raise ValueError(f"{path}: volume of shape {image.shape}, expected (C, D, H, W)")
    array = image[0] if len(image) == 1 else np.moveaxis(image, 0, -1)[:, :, :, None]
    encode(Path(path), array.astype(np.float32), geometry)


def write_volume_mask(
    path: str | os.PathLike[str], labels: npt.NDArray[np.integer], geometry: Geometry
) -> None:
    """Write a mask so that `read_volume_mask` returns it; values up to 255 take eight bits.

    Equal masks in equal places give equal files, byte for byte.

    Parameters
    ----------
    path : path
        Ends in .nii.gz or .nii.
    labels : (D, H, W) integer or bool array
        Values 0…65535.
    geometry : Geometry
        Where it lies: that of the volume it belongs to.

    Raises
    ------
    ValueError
        If the shape, the values or the ending do not fit.

    Examples
    --------
    >>> write_volume_mask("x.nii", np.full((1, 1, 1), -1), Geometry.from_spacing((1, 1, 1)))
    Traceback (most recent call last):
    ValueError: x.nii: mask values span -1 … -1, expected 0 … 65535
    """
    if labels.ndim != 3 or not labels.size:
        raise ValueError(f"{path}: mask of shape {labels.shape}, expected (D, H, W)")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > 65535:
        raise ValueError(f"{path}: mask values span {low} … {high}, expected 0 … 65535")
    encode(Path(path), labels.astype(np.uint8 if high <= 255 else np.uint16), geometry)
