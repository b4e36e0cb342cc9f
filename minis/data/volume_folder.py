"""One's own volumes: a folder of NIfTI images and a folder of NIfTI masks.

A mask belongs to the voxels of its image only if it lies where they lie. Shape, spacing and place
in space must therefore agree, and all volumes must run through the body in the same directions:
a network that learned on heads stored from left to right sees a mirror image otherwise.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from .folder import ImageMaskFolder, by
from .images import SUFFIXES
from .nifti import ENDINGS
from .pairing import name_of
from .sample import Sample, check_index
from .volumes import read_volume, read_volume_mask


class VolumeMaskFolder(ImageMaskFolder):
    """Volumes and masks in NIfTI files, paired by their names: `a.nii.gz` belongs to `a.nii`.

    Parameters
    ----------
    images, masks : path
        The two folders.
    keep_bytes : int
        Samples are kept in memory up to this size: training asks for them again and again, and
        unpacking them takes long.
    **options
        `classes`, `ignore`, `instances`, `in_channels`, `mask_suffix` and `prepare` as for
        `ImageMaskFolder`; without `prepare`, intensities are the real values of the file.

    Attributes
    ----------
    orientation : str or None
        Where the axes of the volumes point, "RAS" for example.

    Raises
    ------
    FileNotFoundError, ValueError
        As from `ImageMaskFolder`. From indexing also: if a mask has another shape, spacing or
        place than its image, a volume points elsewhere than the first one, or a file gives no
        spacing. The text names the files.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minis.data import Geometry, write_volume, write_volume_mask
    >>> place = Geometry.from_spacing((2.5, 1, 1))
    >>> with TemporaryDirectory() as folder:
    ...     os.mkdir(f"{folder}/images")
    ...     os.mkdir(f"{folder}/masks")
    ...     write_volume(f"{folder}/images/a.nii.gz", np.ones((1, 2, 4, 6), np.float32), place)
    ...     write_volume_mask(f"{folder}/masks/a.nii.gz", np.full((2, 4, 6), 255), place)
    ...     heads = VolumeMaskFolder(f"{folder}/images", f"{folder}/masks")
    ...     heads[0], heads[0].spacing, heads.classes
    (Sample('a', 1 channel, 2×4×6), (2.5, 1.0, 1.0), ('255',))
    """

    endings: ClassVar[Collection[str]] = ENDINGS

    def __init__(
        self,
        images: str | os.PathLike[str],
        masks: str | os.PathLike[str],
        *,
        keep_bytes: int = 2**30,
        **options: Any,
    ) -> None:
        super().__init__(images, masks, **options)
        self.keep_bytes = keep_bytes
        self.orientation = read_volume(self.pairs[0][0]).geometry.orientation
        self._kept: dict[int, Sample] = {}

    def __getitem__(self, index: int) -> Sample:
        """Return pair `index`, in the order of the names; don't write to its arrays."""
        index = check_index(self, index)
        if index in self._kept:
            return self._kept[index]
        sample = super().__getitem__(index)
        if sum(map(_bytes, self._kept.values())) + _bytes(sample) <= self.keep_bytes:
            self._kept[index] = sample
        return sample

    def _pair(
        self, image_path: Path, mask_path: Path
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], tuple[float, ...] | None]:
        """Read a volume, its mask in the same place, and their spacing."""
        image, spacing, geometry = read_volume(image_path)
        mask, place = read_volume_mask(mask_path)
        if image.shape[1:] != mask.shape:
            raise ValueError(
                f"{mask_path}: the mask has {by(mask.shape)} voxels but its image "
                f"{image_path.name} has {by(image.shape[1:])}"
            )
        different = place.difference(geometry, mask.shape)
        if different:
            raise ValueError(
                f"{mask_path}: the mask lies elsewhere than its image {image_path.name}: "
                f"{different}"
            )
        if geometry.orientation != self.orientation:
            raise ValueError(
                f"{image_path}: its axes point {geometry.orientation or 'nobody knows where'}, "
                f"those of {self.pairs[0][0].name} {self.orientation or 'nobody knows where'}; "
                "bring all to one orientation, as nibabel.as_closest_canonical does"
            )
        return image, mask, spacing

    def _image(self, path: Path) -> npt.NDArray[np.float32]:
        """Read a volume (C, D, H, W)."""
        return read_volume(path).image

    def _mask(self, path: Path) -> npt.NDArray[np.int64]:
        """Read a mask (D, H, W)."""
        return read_volume_mask(path)[0]


def open_folders(
    images: str | os.PathLike[str], masks: str | os.PathLike[str], **options: Any
) -> ImageMaskFolder:
    """Open a folder of images and one of masks, flat images or volumes, whichever lie there.

    Parameters
    ----------
    images, masks : path
    **options
        As for `ImageMaskFolder`.

    Returns
    -------
    ImageMaskFolder or VolumeMaskFolder

    Raises
    ------
    FileNotFoundError, ValueError
        As from either class; also if the folder of images holds both kinds.
    """
    files = sorted(Path(images).iterdir()) if Path(images).is_dir() else []
    volumes = [path.name for path in files if name_of(path, ENDINGS)]
    flat = [path.name for path in files if name_of(path, SUFFIXES)]
    if volumes and flat:
        raise ValueError(
            f"{images}: holds flat images ({flat[0]}) and volumes ({volumes[0]}); expected one kind"
        )
    return (VolumeMaskFolder if volumes else ImageMaskFolder)(images, masks, **options)


def _bytes(sample: Sample) -> int:
    objects = 0 if sample.instances is None else sample.instances.nbytes
    return sample.image.nbytes + sample.labels.nbytes + objects
