"""How the command line uses a detector: the objects of an image as a picture, a list and a map.

The list is a JSON file in the format of COCO's data sets, with a score for each object: it can be
opened as an annotation file (`CocoFolder`, annotation programs), and its annotations are COCO's
results.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .data import read_image, stretch, with_channels, write_mask
from .data.coco_mask import encode_mask
from .data.images import write_text
from .data.packages import require
from .detection_tiles import find_objects, tile_places
from .found_objects import FoundObjects
from .gpu_memory import explained_memory
from .show import save_figure
from .show_instances import show_objects
from .training.device import to_device_of

if TYPE_CHECKING:
    from .prediction import Trained

OBJECTS = ("_objects.png", "_objects.json", "_instances.png")  # of an image's results
SCORE = 0.5  # which objects count, unless told otherwise
SHRUNK = 2.0  # an image that the network sees smaller by more than this factor is told of


def check_score(score: float | None) -> float:
    """Return a threshold of scores, ½ for None.

    Raises
    ------
    ValueError
        Unless it lies in 0 … 1.

    Examples
    --------
    >>> check_score(0.3), check_score(None)
    (0.3, 0.5)
    """
    if score is None:
        return SCORE
    if not 0 <= score <= 1:
        raise ValueError(f"score {score:g}: expected a number in 0 … 1")
    return score


def detect_file(
    trained: Trained,
    path: Path,
    picture: Path,
    listing: Path,
    instances: Path,
    report: Callable[[str], None],
    *,
    score: float = SCORE,
) -> None:
    """Find the objects of the image in a file; write a picture, a list and a map of them.

    Parameters
    ----------
    trained : Trained
        A detector.
    path : path
        The image. A grey one is repeated for a network that takes several channels.
    picture, listing, instances : path
        Where the results go: the image with the objects drawn over it; `as_coco` in JSON; an image
        that numbers each pixel by the id of its object in the list, 0 being none.
    report : callable
        Called with a line for what was found, and for whatever the user should know.
    score : float
        Objects with a smaller score are left out.

    Raises
    ------
    ValueError
        If the image can't be read or doesn't fit the network; the text names the file.
    MissingPackageError
        If pycocotools, which packs masks, is not installed.
    """
    require("pycocotools", "a list of objects in COCO's format")
    image, told = prepared(trained, path)
    with explained_memory("a smaller image"):
        there = to_device_of(trained.model, image)
        every = find_objects(trained.model, there, tile_side(trained))
    found = every.chosen(every.scores >= score)
    for line in (*told, *_sizes(trained, image.shape[1:]), _summary(found, every, trained, score)):
        report(f"{path.name}: {line}")
    figure = show_objects(
        np.clip(image, 0, 1),
        found.as_dict(),
        trained.classes,
        score_threshold=0.0,
    )
    listed = json.dumps(as_coco(found, path.name, trained.classes, trained.file))
    picture.parent.mkdir(parents=True, exist_ok=True)
    save_figure(figure, picture)
    write_text(listing, listed)
    write_mask(instances, found.instances())


def as_coco(
    found: FoundObjects, name: str, classes: tuple[str, ...], weights: str
) -> dict[str, Any]:
    """Describe the objects of an image as COCO does.

    Parameters
    ----------
    found : FoundObjects
    name : str
        The image's file name.
    classes : tuple of str
        Names; the first, that of the background, isn't listed.
    weights : str
        The file that the network came from.

    Returns
    -------
    dict
        What JSON holds: `info` with the file of weights; `images`, of which there is one, with its
        `file_name`, `height` and `width`; `categories`, with `id` 1 … K − 1 and `name`;
        `annotations`, best first, each with `id` from 1, `image_id`, `category_id`, `bbox` (x, y,
        width, height), `score`, `segmentation` (run lengths), `area` in pixels and `iscrowd` = 0.

    Raises
    ------
    MissingPackageError
        If pycocotools is not installed.

    Examples
    --------
    >>> mask = np.zeros((1, 1, 4, 6))
    >>> mask[0, 0, 1:3, 2:5] = 0.9
    >>> cat = {"boxes": np.array([[2, 1, 5, 3]]), "labels": np.array([1]),
    ...        "scores": np.array([0.75]), "masks": mask}
    >>> found = FoundObjects.read(cat, (4, 6))
    >>> told = as_coco(found, "a.png", ("background", "cat"), "best.safetensors")
    >>> told["categories"], told["annotations"][0]["bbox"], told["annotations"][0]["area"]
    ([{'id': 1, 'name': 'cat'}], [2.0, 1.0, 3.0, 2.0], 6)
    """
    height, width = found.size
    annotations = []
    for row, mask in enumerate(found.masks):
        x1, y1, x2, y2 = found.boxes[row].tolist()
        runs = encode_mask(mask)
        annotations.append(
            {
                "id": row + 1,
                "image_id": 1,
                "category_id": int(found.labels[row]),
                "bbox": [round(float(side), 3) for side in (x1, y1, x2 - x1, y2 - y1)],
                "score": round(float(found.scores[row]), 5),
                "segmentation": {"size": runs["size"], "counts": runs["counts"].decode()},
                "area": int(mask.sum()),
                "iscrowd": 0,
            }
        )
    return {
        "info": {"weights": weights},
        "images": [{"id": 1, "file_name": name, "height": height, "width": width}],
        "categories": [{"id": k, "name": one} for k, one in enumerate(classes) if k],
        "annotations": annotations,
    }


def prepared(trained: Trained, path: Path) -> tuple[Any, list[str]]:
    """Read an image as a detector knows images, and what there is to say about that."""
    image = read_image(path)
    if len(image) not in (1, trained.in_channels):
        raise ValueError(
            f"{path}: the image has {len(image)} channels, the network was trained on "
            f"{trained.in_channels}"
        )
    told = []
    low, high = float(image.min()), float(image.max())
    if trained.stretched:
        image = stretch(image)
    elif low < 0 or high > 1:
        image = stretch(image)
        told = [
            f"intensities span {low:g} … {high:g} but the network was trained on 0 … 1: stretched"
        ]
    return with_channels(image, trained.in_channels, str(path)), told


def tile_side(trained: Trained) -> int | None:
    """Return the side of the tiles for a network that sees all images at their full size."""
    model: Any = trained.model
    return trained.crop if model.transform.min_size is None else None


def seen_in_tiles(trained: Trained, size: tuple[int, int]) -> bool:
    """Whether an image of this size is larger than what the network sees at once."""
    return any(len(tile_places(length, tile_side(trained))) > 1 for length in size)


def _sizes(trained: Trained, size: tuple[int, int]) -> list[str]:
    """Say how a large image is seen."""
    side = tile_side(trained)
    high, wide = (len(tile_places(length, side)) for length in size)
    if side and high * wide > 1:
        return [
            f"seen in {high} × {wide} tiles of {side} pixels a side, as in training; of an object "
            f"larger than {side // 2} pixels only a part may be found"
        ]
    model: Any = trained.model
    seen = model.transform.resized(size)
    if max(size) > SHRUNK * max(seen):
        return [
            f"the network sees its {size[0]} × {size[1]} pixels shrunk to {seen[0]} × {seen[1]}: "
            "small objects may be lost"
        ]
    return []


def _summary(found: FoundObjects, every: FoundObjects, trained: Trained, score: float) -> str:
    """Say what was found: how many objects of each class."""
    if len(found):
        counts = Counter(trained.classes[label] for label in found.labels)
        each = ", ".join(f"{name}: {count}" for name, count in counts.most_common())
        return f"{len(found)} object{'s' * (len(found) > 1)} ({each})"
    best = f"; the best has {every.scores.max():.2f}" if len(every) else ""
    return f"no object with a score of {score:g} or more{best}"
