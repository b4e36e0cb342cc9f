"""The file that describes a data set in COCO's format, read and checked as a whole.

One JSON file lists `images`, `categories` and `annotations` (Lin et al. 2014, *Microsoft COCO:
Common Objects in Context*; the format is described at cocodataset.org under "Data format"). An
annotation is one object: its image, its category, and its mask as polygons or as run lengths (RLE).
With `iscrowd` = 1 it is a region with too many objects to outline each. All that can be told wrong
without opening an image is found here, and the error names the file and the annotation.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .coco_mask import check_segmentation

T = TypeVar("T")

MOST_CLASSES = 254  # labels are 0 … 254; 255 is void


@dataclass(frozen=True)
class CocoObject:
    """An annotation.

    Attributes
    ----------
    number : int
        Its id in the file.
    label : int
        Class, 1 … K.
    segmentation : list or dict
        Polygons or RLE.
    crowd : bool
        Whether it is a region of many objects.
    bbox : tuple of float, optional
        x, y, width, height.
    area : float, optional
        In pixels.
    """

    number: int
    label: int
    segmentation: Any
    crowd: bool
    bbox: tuple[float, float, float, float] | None
    area: float | None


@dataclass(frozen=True)
class CocoImage:
    """An image of the file: its name there, height and width, and its objects in their order."""

    file_name: str
    size: tuple[int, int]
    objects: list[CocoObject]


def read_coco(path: Path) -> tuple[list[CocoImage], tuple[str, ...]]:
    """Read and check an annotation file.

    Parameters
    ----------
    path : Path
        JSON.

    Returns
    -------
    images : list of CocoImage
        In the order of the file, those without objects too.
    names : tuple of str
        Names of the categories, in the order of their ids.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it isn't JSON of this format, an id occurs twice or is referred to and missing, or a
        segmentation or box is broken.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> image = {"id": 7, "file_name": "a.png", "height": 4, "width": 6}
    >>> cat = {"id": 17, "name": "cat"}
    >>> triangle = {"id": 1, "image_id": 7, "category_id": 17, "segmentation": [[0, 0, 3, 0, 3, 3]]}
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder, "cats.json")
    ...     told = {"images": [image], "categories": [cat], "annotations": [triangle]}
    ...     _ = file.write_text(json.dumps(told))
    ...     images, names = read_coco(file)
    >>> names, images[0].objects[0].label
    (('cat',), 1)
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read as JSON ({error})") from error
    lists = [_entries(path, told, key) for key in ("categories", "images", "annotations")]
    categories = _by_id(path, "category", lists[0], _name)
    images = _by_id(path, "image", lists[1], _image)
    if len(categories) > MOST_CLASSES:
        raise ValueError(f"{path}: {len(categories)} categories, expected at most {MOST_CLASSES}")
    labels = {number: label for label, number in enumerate(sorted(categories), start=1)}
    for number, told in _by_id(path, "annotation", lists[2], dict).items():
        where = f"{path}: annotation {number}"
        image = _lookup(where, told, "image_id", images)
        label = _lookup(where, told, "category_id", labels)
        image.objects.append(_object(where, number, told, label, image.size))
    return list(images.values()), tuple(categories[number] for number in sorted(categories))


def _entries(path: Path, told: Any, key: str) -> list[Any]:
    entries = told.get(key) if isinstance(told, dict) else None
    if not isinstance(entries, list):
        raise ValueError(f"{path}: no list {key!r}; expected images, categories and annotations")
    return entries


def _by_id(path: Path, kind: str, entries: list[Any], make: Callable[[Any], T]) -> dict[int, T]:
    made: dict[int, T] = {}
    for place, entry in enumerate(entries):
        number = entry.get("id") if isinstance(entry, dict) else None
        if number is None or not _whole(number):
            raise ValueError(f"{path}: {kind} at position {place} has no whole number as its id")
        if number in made:
            raise ValueError(f"{path}: two of kind {kind} have the id {number}")
        try:
            made[number] = make(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: {kind} {number} is broken ({error!r})") from error
    return made


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry["name"])


def _image(entry: Mapping[str, Any]) -> CocoImage:
    height, width, name = entry["height"], entry["width"], entry["file_name"]
    if not (_whole(height) and _whole(width) and height > 0 and width > 0):
        raise ValueError(f"height {height!r} and width {width!r} should be whole and positive")
    if not isinstance(name, str) or not name:
        raise ValueError(f"file_name {name!r} should be a name")
    return CocoImage(name, (height, width), [])


def _lookup(where: str, told: Mapping[str, Any], key: str, known: Mapping[int, T]) -> T:
    number = told.get(key)
    if number is None or not _whole(number) or number not in known:
        raise ValueError(f"{where}: unknown {key} {number!r}")
    return known[number]


def _object(
    where: str, number: int, told: Mapping[str, Any], label: int, size: tuple[int, int]
) -> CocoObject:
    check_segmentation(where, told.get("segmentation"), size)
    box, area = told.get("bbox"), told.get("area")
    if box is not None:
        if not (isinstance(box, list) and len(box) == 4 and all(map(_finite, box))):
            raise ValueError(f"{where}: bbox {box!r}, expected [x, y, width, height]")
        x, y, w, h = box
        if w < 0 or h < 0 or x > size[1] or y > size[0] or x + w < 0 or y + h < 0:
            raise ValueError(
                f"{where}: bbox {box} lies outside the image of {size[0]} × {size[1]} "
                "(rows × columns), or its extent is negative"
            )
    if area is not None and not (_finite(area) and area >= 0):
        raise ValueError(f"{where}: area {area!r}, expected a number of pixels")
    if told.get("iscrowd", 0) not in (0, 1):
        raise ValueError(f"{where}: iscrowd {told['iscrowd']!r}, expected 0 or 1")
    return CocoObject(
        number,
        label,
        told["segmentation"],
        bool(told.get("iscrowd", 0)),
        None if box is None else (box[0], box[1], box[2], box[3]),
        area,
    )


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
