"""Nuclei: one real fluorescence image, every nucleus outlined by people.

512 × 512 pixels, 125 nuclei, from the 2018 Data Science Bowl (Caicedo et al., *Nucleus
segmentation across imaging experiments*, Nature Methods 2019). The package stardist ships
it among its examples; it is read from there.
"""

from dataclasses import replace

import numpy as np

from .images import read_image, read_mask
from .packages import package_file
from .sample import Sample, renumber
from .scaling import stretch

CLASSES = ("background", "nucleus")


def nuclei() -> Sample:
    """Load the annotated image.

    Returns
    -------
    Sample
        One channel, 512 × 512; the 1st and 99.8th percentiles of the whole image are mapped to
        0 and 1 and what lies beyond is cut off. Classes: 0 background, 1 nucleus.

    Raises
    ------
    MissingPackageError
        If stardist or tifffile is not installed.

    Examples
    --------
    >>> nuclei()
    Sample('nuclei', 1 channel, 512×512, 125 objects)
    """
    image = read_image(package_file("stardist", "data", "images", "img2d.tif", dataset="nuclei"))
    mask = read_mask(package_file("stardist", "data", "images", "mask2d.tif", dataset="nuclei"))
    return Sample(stretch(image), (mask > 0).astype(np.int64), renumber(mask), name="nuclei")


def nuclei_split(gap: int = 32) -> tuple[Sample, Sample]:
    """Split the image: train on its left, test on its right, use nothing in between.

    A network that is trained on the left sample never sees a pixel of the right one, however
    wide its receptive field. With the default gap no nucleus lies on both sides either: 70 are
    on the left, 51 on the right, 4 in the gap. The intensities were scaled over the whole image,
    without its labels.

    Parameters
    ----------
    gap : int
        Columns left out in the middle, even, 0…256.

    Returns
    -------
    train, test : Sample
        Each 512 rows by (512 − gap) / 2 columns.

    Raises
    ------
    ValueError
        If the gap is odd or outside 0…256.
    MissingPackageError
        If stardist or tifffile is not installed.

    Examples
    --------
    >>> nuclei_split()
    (Sample('nuclei, left', 1 channel, 512×240, 70 objects),
     Sample('nuclei, right', 1 channel, 512×240, 51 objects))
    """
    if gap % 2 or not 0 <= gap <= 256:
        raise ValueError(f"nuclei_split: gap={gap}, expected an even number in 0…256")
    whole = nuclei()
    width = (whole.size[1] - gap) // 2
    left = whole.map(lambda array: array[..., :width])
    right = whole.map(lambda array: array[..., -width:])
    return replace(left, name="nuclei, left"), replace(right, name="nuclei, right")
