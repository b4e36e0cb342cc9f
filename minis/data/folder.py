"""One's own data: a folder of images and a folder of masks.

An image and its mask have the same name but for the ending: `images/leaf7.png` belongs to
`masks/leaf7.tif`. Every error names the file that caused it.
"""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .images import SUFFIXES, read_image, read_mask
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
        self.pairs = _pair(Path(images), Path(masks), mask_suffix)
        self.instances = instances
        self.prepare = prepare
        if instances:
            names = ("background", "object") if classes is None else tuple(map(str, classes))
            if isinstance(classes, Mapping) or len(names) != 2 or ignore:
                raise ValueError(
                    "ImageMaskFolder: with instances=True, mask values are objects: classes "
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
        self.in_channels = in_channels or len(read_image(self.pairs[0][0]))

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.pairs)

    def __getitem__(self, index: int) -> Sample:
        """Read pair `index`, in the order of the names."""
        image_path, mask_path = self.pairs[check_index(self, index)]
        image, mask = read_image(image_path), read_mask(mask_path)
        if len(image) != self.in_channels:
            raise ValueError(
                f"{image_path}: {len(image)} channels, expected {self.in_channels} as in "
                f"{self.pairs[0][0].name}"
            )
        if image.shape[1:] != mask.shape:
            raise ValueError(
                f"{mask_path}: the mask is {_by(mask.shape)} but its image {image_path.name} is "
                f"{_by(image.shape[1:])} (rows × columns)"
            )
        if self.prepare:
            image = self.prepare(image).astype(np.float32)
        if self.instances:
            labels = (mask != 0).astype(np.int64)
            return Sample(image, labels, renumber(mask), name=image_path.stem)
        return Sample(image, self._labels(mask, mask_path), name=image_path.stem)

    def check(self) -> None:
        """Read every file once, so that a bad one is found before training and not in it.

        Raises
        ------
        ValueError
            For the first bad file, as indexing does.
        """
        for _ in self:
            pass

    def _labels(self, mask: npt.NDArray[np.int64], path: Path) -> npt.NDArray[np.int64]:
        """Turn a mask's values into classes."""
        values, position = np.unique(mask, return_inverse=True)
        unknown = [int(value) for value in values if value not in self.values]
        if unknown:
            raise ValueError(
                f"{path}: unknown label values {_some(unknown)}; known are "
                f"{_some(sorted(self.values))} (see the arguments classes and ignore)"
            )
        new = np.array([self.values[int(value)] for value in values], np.int64)
        return new[position].reshape(mask.shape)

    def _found(self) -> list[int]:
        """All values in all masks."""
        found: set[int] = set()
        for _, path in self.pairs:
            found.update(np.unique(read_mask(path)).tolist())
        if len(found) > IGNORE:
            raise ValueError(
                f"ImageMaskFolder: {len(found)} different values in the masks; if they number "
                "objects, that takes instances=True; soft edges must be saved as one of the classes"
            )
        return sorted(found)


def _pair(images: Path, masks: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Find each image's mask, or say which have none."""
    ours, theirs = _files(images, ""), _files(masks, suffix)
    lonely = [
        f"{what} without {missing} in {where}: {_some(sorted(names))}"
        for what, missing, where, names in (
            ("images", "a mask", masks, ours.keys() - theirs.keys()),
            ("masks", "an image", images, theirs.keys() - ours.keys()),
        )
        if names
    ]
    if lonely:
        raise FileNotFoundError("; ".join(lonely))
    return [(ours[name], theirs[name]) for name in sorted(ours)]


def _files(folder: Path, suffix: str) -> dict[str, Path]:
    """The image files of a folder by name, less ending and suffix."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.name[0] != "." and path.is_file():
            name = path.stem.removesuffix(suffix)
            if name in files:
                raise ValueError(f"{path}: has the same name as {files[name].name}")
            files[name] = path
    if not files:
        raise FileNotFoundError(f"{folder}: no images (looked for {', '.join(sorted(SUFFIXES))})")
    return files


def _some(things: Sequence[object]) -> str:
    """Up to five things, and how many more."""
    more = f" and {len(things) - 5} more" if len(things) > 5 else ""
    return ", ".join(str(thing) for thing in things[:5]) + more


def _by(shape: Sequence[int]) -> str:
    return " × ".join(str(n) for n in shape)
