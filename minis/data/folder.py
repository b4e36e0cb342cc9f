"""One's own data: a folder of images and a folder of masks.

An image and its mask have the same name but for the ending: `images/leaf7.png` belongs to
`masks/leaf7.tif`. Every error names the file that caused it.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .images import SUFFIXES, read_image, read_mask
from .pairing import name_of, pair_files, some
from .sample import IGNORE, Dataset, Sample, check_index, renumber


class ImageMaskFolder(Dataset):
    """Images and masks, paired by their names.

    Files are read when a sample is asked for; hidden files and other endings than PNG, TIFF and
    JPEG are passed over, as are folders inside the folder.

    Parameters
    ----------
    images, masks : path
        The two folders.
    classes : mapping or sequence, optional
        A mapping gives every value in the masks its class, `{0: "background", 255: "cell"}`;
        classes are numbered in the order in which their names appear, and several values may
        share a name. A sequence is short for the values 0, 1, 2, …. Without either, all masks
        are read once and every value found becomes a class, in ascending order.
    ignore : collection of int
        Values in the masks that are void; their label is `IGNORE`.
    instances : bool
        Whether the masks number objects: then every value but 0 is an object, the two classes
        are background and object, or two other names given as `classes`.
    in_channels : int, optional
        Number of channels of the images, that of the first one unless given.
    mask_suffix : str
        What a mask's name has in addition: with "_mask", `leaf7_mask.png` belongs to `leaf7.png`.
    prepare : callable, optional
        Applied to each image (C, H, W), such as `stretch`. Without it, integers of b bits are
        divided by 2ᵇ − 1 and floating values stay as they are.

    Raises
    ------
    FileNotFoundError
        If a folder does not exist or holds no images, or an image or mask has no partner.
    ValueError
        If two files of a folder have one name, or `classes` does not fit `instances`. From
        indexing: if a file is unreadable, a mask has another size than its image or an unknown
        value, or an image has another number of channels. The text names the file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from minis.data import write_image, write_mask
    >>> with TemporaryDirectory() as folder:
    ...     os.mkdir(f"{folder}/images")
    ...     os.mkdir(f"{folder}/masks")
    ...     write_image(f"{folder}/images/a.png", np.ones((3, 4, 6), np.float32))
    ...     write_mask(f"{folder}/masks/a.png", np.full((4, 6), 255))
    ...     leaves = ImageMaskFolder(
    ...         f"{folder}/images", f"{folder}/masks", classes={0: "background", 255: "leaf"}
    ...     )
    ...     leaves[0], leaves[0].labels[0, 0], leaves.classes
    (Sample('a', 3 channels, 4×6), np.int64(1), ('background', 'leaf'))
    """

    endings: ClassVar[Collection[str]] = SUFFIXES

    def __init__(
        self,
        images: str | os.PathLike[str],
        masks: str | os.PathLike[str],
        *,
        classes: Mapping[int, str] | Sequence[str] | None = None,
        ignore: Collection[int] = (),
        instances: bool = False,
        in_channels: int | None = None,
        mask_suffix: str = "",
        prepare: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]] | None = None,
    ) -> None:
        self.pairs = pair_files(Path(images), Path(masks), self.endings, mask_suffix)
        self.instances = instances
        self.prepare = prepare
        if instances:
            names = ("background", "object") if classes is None else tuple(map(str, classes))
            if isinstance(classes, Mapping) or len(names) != 2 or ignore:
                raise ValueError(
                    f"{type(self).__name__}: with instances=True, mask values are objects: classes "
                    f"should be two names (got {classes!r}) and ignore empty (got {ignore!r})"
                )
            self.values: dict[int, int] = {}
        else:
            if classes is None:
                classes = {value: str(value) for value in self._found() if value not in ignore}
            elif not isinstance(classes, Mapping):
                classes = dict(enumerate(classes))
            names = tuple(dict.fromkeys(classes.values()))
            self.values = {value: names.index(name) for value, name in classes.items()}
            self.values |= dict.fromkeys(ignore, IGNORE)
        self.classes = names
        self.in_channels = in_channels or len(self._image(self.pairs[0][0]))

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """Read pair `index`, in the order of the names."""
        image_path, mask_path = self.pairs[check_index(self, index)]
        image, mask, spacing = self._pair(image_path, mask_path)
        if len(image) != self.in_channels:
            raise ValueError(
                f"{image_path}: {len(image)} channels, expected {self.in_channels} as in "
                f"{self.pairs[0][0].name}"
            )
        if self.prepare:
            image = self.prepare(image).astype(np.float32)
        name = name_of(image_path, self.endings) or image_path.name
        if self.instances:
            return Sample(image, (mask != 0).astype(np.int64), renumber(mask), spacing, name)
        return Sample(image, self._labels(mask, mask_path), None, spacing, name)

    def check(self) -> None:
        """Read every file once, so that a bad one is found before training and not in it.

        Raises
        ------
        ValueError
            For the first bad file, as indexing does.
        """
        for _ in self:
            pass

    def _pair(
        self, image_path: Path, mask_path: Path
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], tuple[float, ...] | None]:
        """Read an image, its mask of the same size, and the spacing that they have."""
        image, mask = read_image(image_path), read_mask(mask_path)
        if image.shape[1:] != mask.shape:
            raise ValueError(
                f"{mask_path}: the mask is {by(mask.shape)} but its image {image_path.name} is "
                f"{by(image.shape[1:])} (rows × columns)"
            )
        return image, mask, None

    def _image(self, path: Path) -> npt.NDArray[np.float32]:
        """Read an image (C, *spatial)."""
        return read_image(path)

    def _mask(self, path: Path) -> npt.NDArray[np.int64]:
        """Read a mask (*spatial)."""
        return read_mask(path)

    def _labels(self, mask: npt.NDArray[np.int64], path: Path) -> npt.NDArray[np.int64]:
        """Turn a mask's values into classes."""
        values, position = np.unique(mask, return_inverse=True)
        unknown = [int(value) for value in values if value not in self.values]
        if unknown:
            raise ValueError(
                f"{path}: unknown label values {some(unknown)}; known are "
                f"{some(sorted(self.values))} (see the arguments classes and ignore)"
            )
        new = np.array([self.values[int(value)] for value in values], np.int64)
        return new[position].reshape(mask.shape)

    def _found(self) -> list[int]:
        """All values in all masks."""
        found: set[int] = set()
        for _, path in self.pairs:
            found.update(np.unique(self._mask(path)).tolist())
        if len(found) > IGNORE:
            raise ValueError(
                f"{type(self).__name__}: {len(found)} different values in the masks; if they "
                "number objects, that takes instances=True; soft edges must be saved as one of "
                "the classes"
            )
        return sorted(found)


def by(shape: Sequence[int]) -> str:
    """Write a shape: 4 × 6."""
    return " × ".join(str(n) for n in shape)
