"""What the heads need to know about each image of a batch, checked: boxes, classes and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...backend import array_namespace
from ...ops.checks import check_boxes, check_integer, check_shape, shape_text

Target = Mapping[str, Any]


def checked_targets(
    name: str, targets: Sequence[Target] | None, features: Any, num_classes: int
) -> list[dict[str, Any]]:
    """Check the targets of a batch, and bring the boxes to the features' dtype.

    Parameters
    ----------
    name : str
        Who asks, for the errors.
    targets : sequence of N dicts
        "boxes" (M, 4) float, (x1, y1, x2, y2); "labels" (M,) integer in 1 … K − 1; "masks"
        (M, H, W). There may be no object.
    features : (N, ...) float array
        What is computed with: its length and dtype count.
    num_classes : int
        K, the background included.

    Returns
    -------
    list of dict
        With the same entries.

    Raises
    ------
    TypeError, ValueError
        If targets are missing, there is not one per image, an entry is missing or of another
        shape, a label is out of range, or a box has no extent.

    Examples
    --------
    >>> none = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "masks": np.zeros((0, 8, 8))}
    >>> checked_targets("RoIHeads", [none], np.zeros((1, 3, 8, 8), np.float32), 2)[0]["boxes"].dtype
    dtype('float32')
    """
    if targets is None:
        raise ValueError(f"{name}: training needs targets; call eval() to find objects without any")
    check_count(name, "targets", targets, len(features))
    return [
        _checked(f"{name}: target {n}", target, features, num_classes)
        for n, target in enumerate(targets)
    ]


def check_count(name: str, argument: str, entries: Sequence[Any], images: int) -> None:
    """Raise ValueError unless there is one entry for each image."""
    if len(entries) != images:
        raise ValueError(
            f"{name}: {argument} must have one entry for each of {images} images, got "
            f"{len(entries)}"
        )


def _checked(name: str, target: Target, features: Any, num_classes: int) -> dict[str, Any]:
    missing = [key for key in ("boxes", "labels", "masks") if key not in target]
    if missing:
        raise ValueError(f"{name} lacks {', '.join(missing)}")
    xp = array_namespace(features)
    boxes, labels, masks = (xp.asarray(target[key]) for key in ("boxes", "labels", "masks"))
    boxes = boxes.astype(features.dtype)
    check_boxes(name, boxes)
    check_integer(name, labels=labels)
    check_shape(name, (len(boxes),), labels=labels)
    if masks.ndim != 3 or len(masks) != len(boxes):
        raise ValueError(
            f"{name}: masks must have shape ({len(boxes)}, H, W), got {shape_text(masks.shape)}"
        )
    if len(labels) and not 1 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise ValueError(
            f"{name}: labels must lie in 1 … {num_classes - 1}, 0 being the background, got "
            f"{int(labels.min())} … {int(labels.max())}"
        )
    empty = (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    if bool(empty.any()):
        row = int(empty.argmax())
        raise ValueError(
            f"{name}: boxes must have positive width and height, got row {row}: "
            f"{boxes[row].tolist()}"
        )
    return {"boxes": boxes, "labels": labels.astype(np.int64), "masks": masks}
