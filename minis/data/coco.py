"""One's own objects: a folder of images and an annotation file in COCO's format.

Most annotation programs write this format. What is trained on is an object for each annotation:
its mask, the box around the mask, its class. Regions of many objects (`iscrowd`) aren't objects:
they are left out of training, and in scoring they neither count nor punish.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .coco_file import CocoImage, CocoObject, read_coco
from .coco_mask import decode_mask
from .images import read_image
from .instance_batches import with_channels
from .object_sample import ObjectSample
from .pairing import some
from .sample import IGNORE, Dataset, check_index, renumber
from .targets import instance_targets


class CocoFolder(Dataset):
    """Images with objects, annotated in COCO's format.

    The categories become the classes 1 … K in the order of their ids; class 0 is the background.
    Images are those that the annotation file lists, in its order; they may be without objects.

    Samples are `ObjectSample`s, with a mask for each object. In their `labels` and `instances`,
    which have room for one object a pixel, the smaller of two objects that overlap lies in front,
    and crowd regions are void. An object that covers the middle of no pixel can't be seen: it is
    left out. What of an object lies outside the image is cut off.

    Parameters
    ----------
    images : path
        Folder of the images.
    annotations : path
        The JSON file.
    in_channels : int
        Channels of the samples; grey images are repeated.
    prepare : callable, optional
        Applied to each image (C, H, W), such as `stretch`.

    Raises
    ------
    FileNotFoundError
        If the annotation file or an image is not there.
    ValueError
        If the file isn't of the format or something in it is broken (an unknown id, a polygon
        of two points, a box outside its image): the text names file and annotation. From
        indexing: if an image is unreadable or has another size or other channels than expected.
    MissingPackageError
        From indexing, if pycocotools is not installed.

    Examples
    --------
    >>> import json
    >>> from tempfile import TemporaryDirectory
    >>> from minis.data import write_image
    >>> outline = [[1, 1, 5, 1, 5, 3, 1, 3]]
    >>> told = {
    ...     "images": [{"id": 7, "file_name": "a.png", "height": 4, "width": 6}],
    ...     "categories": [{"id": 17, "name": "cat"}, {"id": 3, "name": "car"}],
    ...     "annotations": [
    ...         {"id": 1, "image_id": 7, "category_id": 17, "segmentation": outline},
    ...     ],
    ... }
    >>> with TemporaryDirectory() as folder:
    ...     write_image(f"{folder}/a.png", np.ones((3, 4, 6), np.float32))
    ...     _ = Path(folder, "cats.json").write_text(json.dumps(told))
    ...     cats = CocoFolder(folder, f"{folder}/cats.json")
    ...     target = cats.targets(0)
    >>> cats.classes, target["boxes"], target["labels"]
    (('background', 'car', 'cat'), array([[1., 1., 5., 3.]], dtype=float32), array([2]))
    """

    def __init__(
        self,
        images: str | os.PathLike[str],
        annotations: str | os.PathLike[str],
        *,
        in_channels: int = 3,
        prepare: Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]] | None = None,
    ) -> None:
        self.folder, self.file = Path(images), Path(annotations)
        self.entries, names = read_coco(self.file)
        self.classes = ("background", *names)
        self.in_channels = in_channels
        self.prepare = prepare
        if not self.entries:
            raise ValueError(f"{self.file}: no images")
        missing = [e.file_name for e in self.entries if not (self.folder / e.file_name).is_file()]
        if missing:
            raise FileNotFoundError(
                f"{self.folder}: without images that {self.file} lists: {some(missing)}"
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.entries)

    def __getitem__(self, index: int) -> ObjectSample:
        """Read image `index`, in the order of the file."""
        entry = self.entries[check_index(self, index)]
        path = self.folder / entry.file_name
        image = with_channels(read_image(path), self.in_channels, str(path))
        if image.shape[1:] != entry.size:
            raise ValueError(
                f"{path}: {image.shape[1]} × {image.shape[2]} pixels (rows × columns), but "
                f"{self.file} says {entry.size[0]} × {entry.size[1]}"
            )
        if self.prepare:
            image = self.prepare(image).astype(np.float32)
        objects, masks = _masks(entry, lambda one: not one.crowd)
        seen = masks.any(axis=(1, 2))
        masks, categories = masks[seen], np.array([one.label for one in objects], np.int64)[seen]
        labels, instances = np.zeros(entry.size, np.int64), np.zeros(entry.size, np.int32)
        labels[_masks(entry, lambda one: one.crowd)[1].any(axis=0)] = IGNORE
        for row in np.argsort(-masks.sum(axis=(1, 2), dtype=np.int64), kind="stable"):
            place = masks[row] != 0
            labels[place], instances[place] = categories[row], row + 1
        return ObjectSample(
            image,
            labels,
            renumber(instances),
            name=entry.file_name,
            masks=masks,
            categories=categories,
        )

    def targets(self, index: int) -> dict[str, npt.NDArray[Any]]:
        """Return what a detector is trained on: `instance_targets` of the sample.

        Parameters
        ----------
        index : int

        Returns
        -------
        dict
            `boxes` (M, 4) float32 around the masks, `labels` (M,) int64 in 1 … K, `masks`
            (M, H, W) uint8; crowd regions left out.
        """
        return instance_targets(self[index])

    def truth(self, index: int) -> dict[str, npt.NDArray[Any]]:
        """Return what detections are scored against: see `minis.training.average_precision`.

        Parameters
        ----------
        index : int

        Returns
        -------
        dict
            As `targets`, but with crowd regions: `iscrowd` (M,) bool. Boxes (float64) and `area`
            (M,) float64 are the annotations' own where they have some, else those of the masks. An
            object with a box counts even if it covers no pixel. So COCO's published scores do it.
        """
        entry = self.entries[check_index(self, index)]
        objects, masks = _masks(entry, lambda one: True)
        seen = masks.any(axis=(1, 2)) | np.array([one.bbox is not None for one in objects], bool)
        objects = [one for one, kept in zip(objects, seen, strict=True) if kept]
        masks = masks[seen]
        boxes, areas = np.zeros((len(masks), 4)), np.zeros(len(masks))
        for row, (one, mask) in enumerate(zip(objects, masks, strict=True)):
            if one.bbox is not None:
                x, y, w, h = one.bbox
                boxes[row] = x, y, x + w, y + h
            else:
                ys, xs = np.nonzero(mask)
                boxes[row] = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
            areas[row] = mask.sum() if one.area is None else one.area
        return {
            "boxes": boxes,
            "labels": np.array([one.label for one in objects], np.int64),
            "masks": masks,
            "iscrowd": np.array([one.crowd for one in objects], bool),
            "area": areas,
        }

    def check(self) -> None:
        """Read every image once, so that a bad one is found before training and not in it.

        Raises
        ------
        ValueError
            For the first bad file, as indexing does.
        """
        for _ in self:
            pass


def _masks(
    entry: CocoImage, keep: Callable[[CocoObject], bool]
) -> tuple[list[CocoObject], npt.NDArray[np.uint8]]:
    """Some of an image's objects, and their masks (M, H, W)."""
    chosen = [one for one in entry.objects if keep(one)]
    masks = np.zeros((len(chosen), *entry.size), np.uint8)
    for mask, one in zip(masks, chosen, strict=True):
        mask[:] = decode_mask(one.segmentation, entry.size)
    return chosen, masks
