"""A detector on images larger than those that it was trained on, tile by tile.

A network that was trained on crops knows objects at their full size; an image that is shrunk to a
crop's size would show it others. So it sees tiles of the crops' size. Neighbours share half their
side: an object up to that size is whole in one of them at least. Most objects are found several
times, and many cut: whole ones count first, and a cut one counts only where none covers it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from .backend import array_namespace
from .data import Dataset
from .found_objects import FoundObjects, joined
from .nn import Module
from .training import detector_scores

LARGER = 1.25  # than in training by this factor, an image is cut in tiles
NEAR = 2  # pixels between a tile's edge and an object that it may have cut
SAME = 0.5  # two boxes of one class with a greater IoU are of one object
COVERED = 0.4  # a cut object is left out if as much of its box lies in others'


def find_objects(model: Callable[[Any], Any], image: Any, side: int | None = None) -> FoundObjects:
    """Find the objects in an image of any size.

    Parameters
    ----------
    model : callable
        From a list of one (C, H, W) image to a list of its detections: see `MaskRCNN`.
    image : (C, H, W) float array
    side : int, optional
        Of the crops that the network was trained on. Without it, the image is seen whole.

    Returns
    -------
    FoundObjects
        Best first.

    Examples
    --------
    >>> def whole(images):  # finds one object: all of the image
    ...     _, height, width = images[0].shape
    ...     mask = np.ones((1, 1, height, width))
    ...     return [{"boxes": np.array([[0, 0, width, height]]), "labels": np.array([1]),
    ...              "scores": np.array([0.9]), "masks": mask}]
    >>> find_objects(whole, np.zeros((3, 70, 120))).boxes
    array([[  0,   0, 120,  70]])
    >>> find_objects(whole, np.zeros((3, 70, 120)), side=60).boxes
    array([[  0,   0,  60,  70],
           [ 60,   0, 120,  70]])
    """
    size: tuple[int, int] = image.shape[1:]
    places = list(product(*(tile_places(length, side) for length in size)))
    if len(places) == 1:
        return FoundObjects.read(model([image])[0], size)
    parts, cut = [], []
    for rows, columns in places:
        tile = array_namespace(image).ascontiguousarray(image[:, rows, columns])
        found = FoundObjects.read(model([tile])[0], tile.shape[1:])
        parts.append(found.moved((rows.start, columns.start), size))
        cut.append(_cut(parts[-1].boxes, rows, columns, size))
    every = joined(parts)
    return every.chosen(without_doubles(every, np.concatenate(cut)))


def scores_in_tiles(
    model: Module, dataset: Dataset, *, channels: int, side: int | None
) -> dict[str, float]:
    """Score a detector on what `find_objects` finds in each image: see `detector_scores`."""

    def find(image: Any) -> dict[str, Any]:
        return find_objects(model, image, side).as_detections()

    return detector_scores(model, dataset, channels=channels, find=find)


def tile_places(length: int, side: int | None) -> list[slice]:
    """Lay tiles along an axis: evenly, neighbours sharing half their side or more.

    Examples
    --------
    >>> tile_places(150, 128)
    [slice(0, 150, None)]
    >>> [place.start for place in tile_places(512, 128)]
    [0, 64, 128, 192, 256, 320, 384]
    """
    if side is None or length <= LARGER * side:
        return [slice(0, length)]
    count = 1 + -(-(length - side) // (side - side // 2))
    starts = (round(place) for place in np.linspace(0, length - side, count))
    return [slice(start, start + side) for start in starts]


def without_doubles(found: FoundObjects, cut: Any) -> Any:
    """Choose one of several detections of each object.

    Parameters
    ----------
    found : FoundObjects
        M detections of all tiles.
    cut : (M,) boolean array
        Which of them an edge of a tile may have cut.

    Returns
    -------
    integer array
        Numbers of those to keep, best score first.
    """
    boxes = found.boxes.astype(np.float64)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept: list[int] = []
    for row in np.lexsort((-found.scores, cut)):  # whole ones first, the best of them first
        rivals = [other for other in kept if found.labels[other] == found.labels[row]]
        shared = _shared(boxes[row], boxes[rivals])
        same = shared > SAME * (areas[row] + areas[rivals] - shared)
        covered = cut[row] and shared.sum() >= COVERED * areas[row]
        if not (same.any() or covered):
            kept.append(int(row))
    rows = np.array(kept, int)
    return rows[np.argsort(-found.scores[rows], kind="stable")]


def _cut(boxes: Any, rows: slice, columns: slice, size: tuple[int, int]) -> Any:
    """Say which boxes (M, 4) come near an edge of their tile that isn't the image's: (M,) bool."""
    height, width = size
    x1, y1, x2, y2 = boxes.T
    return (
        ((x1 < columns.start + NEAR) & (columns.start > 0))
        | ((x2 > columns.stop - NEAR) & (columns.stop < width))
        | ((y1 < rows.start + NEAR) & (rows.start > 0))
        | ((y2 > rows.stop - NEAR) & (rows.stop < height))
    )


def _shared(box: Any, others: Any) -> Any:
    """Area that a box (4,) shares with each of the others (M, 4)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return sides.clip(min=0).prod(axis=1)
