"""Brain tissue: the MNI152 template with its maps of grey and white matter, in 3-D.

The template is the average of 152 magnetic resonance images, aligned without linear limits
and freed of the skull (Fonov et al., *Unbiased average age-appropriate atlases for pediatric
studies*, NeuroImage 2011; version ICBM 2009a, symmetric). The package nilearn ships it; it
is read from there. **It is one volume, and a mean**: good for seeing a 3-D network learn real
anatomy, no evidence of how the network does on another person.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .packages import package_file, require
from .sample import Sample

CLASSES = ("other", "grey matter", "white matter")


def brain(resolution: int = 2) -> Sample:
    """Load the template at a whole number of millimetres.

    Parameters
    ----------
    resolution : {1, 2, 3, …, 16}
        Edge of a voxel in millimetres. The files have 1 mm; coarser voxels are means over cubes.

    Returns
    -------
    Sample
        One channel in 0…1, axes left-right, back-front, down-up: 197 × 233 × 189 at 1 mm,
        98 × 116 × 94 at 2 mm. A voxel's class is whichever is most probable there: grey matter,
        white matter, or neither.

    Raises
    ------
    ValueError
        If the resolution is not in 1…16.
    MissingPackageError
        If nilearn is not installed.

    Examples
    --------
    >>> brain(resolution=4)
    Sample('brain at 4 mm', 1 channel, 49×58×47)
    """
    if resolution not in range(1, 17):
        raise ValueError(f"brain: resolution={resolution}, expected whole millimetres in 1…16")
    t1, grey, white = (_coarser(_volume(kind), resolution) for kind in ("t1", "gm", "wm"))
    other = 1 - grey - white
    return Sample(
        t1[None],
        np.argmax([other, grey, white], axis=0).astype(np.int64),
        spacing=(float(resolution),) * 3,
        name=f"brain at {resolution} mm",
    )


def brain_split(resolution: int = 2, gap: float = 16.0) -> tuple[Sample, Sample]:
    """Split the template: train on the back of the head, test on its front.

    Not left and right: this template is symmetric to the last bit, so that each half is the
    mirror image of the other, and a test on it would repeat the training data.

    Parameters
    ----------
    resolution : int
        As for `brain`.
    gap : float
        Millimetres left out between the two parts, 0…64.

    Returns
    -------
    train, test : Sample
        About three fifths and two fifths of the axis from back to front, less the gap.

    Raises
    ------
    ValueError
        If the gap or the resolution is out of range.
    MissingPackageError
        If nilearn is not installed.

    Examples
    --------
    >>> train, test = brain_split(resolution=4)
    >>> train.size, test.size
    ((49, 33, 47), (49, 21, 47))
    """
    if not 0 <= gap <= 64:
        raise ValueError(f"brain_split: gap={gap} mm, expected 0…64")
    whole = brain(resolution)
    length, skipped = whole.size[1], round(gap / resolution)
    end = round(0.6 * length - skipped / 2)
    back = whole.map(lambda array: array[..., :end, :])
    front = whole.map(lambda array: array[..., end + skipped :, :])
    return (
        replace(back, name=f"back of the {whole.name}"),
        replace(front, name=f"front of the {whole.name}"),
    )


@lru_cache(maxsize=3)
def _volume(kind: str) -> npt.NDArray[np.uint8]:
    """One of nilearn's three volumes at 1 mm, values 0…255."""
    path = package_file(
        "nilearn",
        "datasets",
        "data",
        f"mni_icbm152_{kind}_tal_nlin_sym_09a_converted.nii.gz",
        dataset="brain",
    )
    nibabel = require("nibabel", "brain")
    return np.asarray(nibabel.load(path).dataobj)


def _coarser(volume: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.float32]:
    """Means over cubes of `factor` voxels, in 0…1; an incomplete last cube is left out."""
    whole = volume[tuple(slice(n - n % factor) for n in volume.shape)]
    d, h, w = (n // factor for n in whole.shape)
    cubes = whole.reshape(d, factor, h, factor, w, factor)
    return (cubes.mean(axis=(1, 3, 5)) / 255).astype(np.float32)  # (D, H, W)
