"""The objects found in an image, whose masks are kept no larger than the objects are.

A thousand masks of a large image would fill a computer's memory; what is inside them doesn't.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .backend import on_cpu


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """M objects of an image.

    Attributes
    ----------
    size : (int, int)
        Height and width of the image.
    boxes : (M, 4) array
        Rows x1, y1, x2, y2 in pixels.
    labels, scores : (M,) arrays
    masks : Masks
        A sequence of M masks (H, W).

    Examples
    --------
    >>> mask = np.zeros((1, 1, 4, 6))
    >>> mask[0, 0, 1:3, 2:5] = 0.9
    >>> one = {"boxes": np.array([[2, 1, 5, 3]]), "labels": np.array([1]),
    ...        "scores": np.array([0.8]), "masks": mask}
    >>> found = FoundObjects.read(one, (4, 6))
    >>> len(found), found.masks[0].sum(), found.instances()[1]
    (1, np.int64(6), array([0, 0, 1, 1, 1, 0]))
    >>> found.moved((10, 20), (50, 60)).boxes
    array([[22, 11, 25, 13]])
    """

    size: tuple[int, int]
    boxes: Any
    labels: Any
    scores: Any
    masks: Masks

    @classmethod
    def read(cls, found: Mapping[str, Any], size: tuple[int, int]) -> FoundObjects:
        """Take over what a detector found in an image of this size; see `MaskRCNN.forward`."""
        boxes, labels, scores = (on_cpu(found[name]) for name in ("boxes", "labels", "scores"))
        patches = [Patch.cut(on_cpu(mask[0] > 0.5)) for mask in found["masks"]]
        return cls(size, boxes, labels, scores, Masks(size, patches))

    def as_dict(self) -> dict[str, Any]:
        """Return what `show_objects` draws."""
        return {
            "boxes": self.boxes,
            "labels": self.labels,
            "scores": self.scores,
            "masks": self.masks,
        }

    def as_detections(self) -> dict[str, Any]:
        """Return what `average_precision` scores: all masks at once, (M, 1, H, W)."""
        masks = np.array(list(self.masks), bool).reshape(-1, 1, *self.size)
        return {**self.as_dict(), "masks": masks}

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.labels)

    def chosen(self, rows: Any) -> FoundObjects:
        """Return some of the objects, by their numbers or a boolean each, in that order."""
        rows = np.arange(len(self))[rows]
        patches = [self.masks.patches[row] for row in rows]
        return FoundObjects(
            self.size,
            self.boxes[rows],
            self.labels[rows],
            self.scores[rows],
            Masks(self.size, patches),
        )

    def moved(self, corner: tuple[int, int], size: tuple[int, int]) -> FoundObjects:
        """Return the objects in a larger image, in which this one begins at row and column."""
        top, left = corner
        patches = [Patch(one.top + top, one.left + left, one.mask) for one in self.masks.patches]
        boxes = self.boxes + np.array([left, top, left, top], self.boxes.dtype)
        return FoundObjects(size, boxes, self.labels, self.scores, Masks(size, patches))

    def instances(self) -> Any:
        """Number each pixel by its object's row, from 1; the first of those that overlap counts."""
        numbers = np.zeros(self.size, np.int64)
        for row in reversed(range(len(self))):
            self.masks.patches[row].fill(numbers, row + 1)
        return numbers


@dataclass(frozen=True, eq=False)
class Patch:
    """The part of a mask that isn't empty, and where it begins."""

    top: int
    left: int
    mask: Any

    @classmethod
    def cut(cls, mask: Any) -> Patch:
        """Cut a mask (H, W) to what of it isn't empty."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            return cls(0, 0, mask[:0, :0].copy())
        top, left = int(rows[0]), int(columns[0])
        return cls(top, left, mask[top : rows[-1] + 1, left : columns[-1] + 1].copy())

    def fill(self, image: Any, value: int) -> None:
        """Set the pixels of the mask."""
        height, width = self.mask.shape
        image[self.top : self.top + height, self.left : self.left + width][self.mask] = value


class Masks(Sequence[Any]):
    """Masks (H, W), boolean, each of which is made when it is asked for."""

    def __init__(self, size: tuple[int, int], patches: Sequence[Patch]) -> None:
        self.size, self.patches = size, tuple(patches)

    def __len__(self) -> int:
        """Return the number of masks."""
        return len(self.patches)

    def __getitem__(self, row: Any) -> Any:
        """Return a mask, or for a slice several."""
        if isinstance(row, slice):
            return Masks(self.size, self.patches[row])
        mask = np.zeros(self.size, bool)
        self.patches[row].fill(mask, True)
        return mask


def joined(parts: Sequence[FoundObjects]) -> FoundObjects:
    """Put the objects of several parts, all of one image, in one list.

    Raises
    ------
    ValueError
        If there is no part.
    """
    if not parts:
        raise ValueError("joined: no parts")
    size = parts[0].size
    patches = [patch for part in parts for patch in part.masks.patches]
    return FoundObjects(
        size,
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.scores for part in parts]),
        Masks(size, patches),
    )
