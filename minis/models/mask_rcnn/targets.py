"""What each image holds: its objects' boxes, classes and masks, checked; resized with the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...backend import array_namespace
from ...ops.checks import check_integer, extremes, shape_text

Size = tuple[int, int]
Target = Mapping[str, Any]
ENTRIES = ("boxes", "labels", "masks")


def checked_targets(
    targets: Sequence[Target], images: Sequence[Any], num_classes: int | None = None
) -> list[dict[str, Any]]:
    """Check what is said of a batch of images, before anything is computed from it.

    Parameters
    ----------
    targets : sequence of N mappings
        `boxes` (M, 4), rows (x1, y1, x2, y2) in pixels; `labels` (M,) integer in 1 … K − 1;
        `masks` (M, H, W), boolean or 0 and 1. M may be 0. All else is handed on.
    images : sequence of N (C, H, W) float arrays
    num_classes : int, optional
        K, the background included. By default only boxes are needed.

    Returns
    -------
    list of N dicts
        The same; boxes have their image's dtype.

    Raises
    ------
    TypeError, ValueError
        If a target does not have this form, or a box has no width or no height: the text names
        the image and the box.

    Examples
    --------
    >>> image = np.zeros((3, 8, 8), np.float32)
    >>> checked_targets([{"boxes": np.array([[2, 4, 6, 7]])}], [image])[0]["boxes"]
    array([[2., 4., 6., 7.]], dtype=float32)
    >>> checked_targets([{"boxes": np.array([[2, 4, 2, 6]])}], [image])
    Traceback (most recent call last):
    ValueError: MaskRCNN: box 0 of image 0 must be finite, x1 < x2 and y1 < y2, got [2, 4, 2, 6]
    """
    check_counts("MaskRCNN", len(images), targets=targets)
    return [
        _checked(n, target, image, num_classes)
        for n, (target, image) in enumerate(zip(targets, images, strict=True))
    ]


def _checked(n: int, target: Target, image: Any, num_classes: int | None) -> dict[str, Any]:
    needed = ENTRIES if num_classes is not None else ("boxes",)
    missing = [name for name in needed if name not in target]
    if missing:
        raise ValueError(f"MaskRCNN: the target of image {n} has no {', '.join(missing)}")
    xp = array_namespace(image)
    checked = {**target, **{name: xp.asarray(target[name]) for name in ENTRIES if name in target}}
    boxes = checked["boxes"]
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"MaskRCNN: boxes of image {n} must have shape (M, 4), got {shape_text(boxes.shape)}"
        )
    checked["boxes"] = boxes.astype(image.dtype)  # rounded, a thin box may lose its width
    _check_boxes(n, checked["boxes"], boxes)
    for name, shape in (("labels", (len(boxes),)), ("masks", (len(boxes), *image.shape[1:]))):
        if name in checked and checked[name].shape != shape:
            raise ValueError(
                f"MaskRCNN: {name} of image {n} must have shape {shape_text(shape)}, as its size "
                f"and its {len(boxes)} boxes need, got {shape_text(checked[name].shape)}"
            )
    if num_classes is not None:
        _check_labels(n, checked["labels"], num_classes)
    if "masks" in checked:
        _check_masks(n, checked["masks"])
    return checked


def _check_boxes(n: int, boxes: Any, given: Any) -> None:
    xp = array_namespace(boxes)
    good = xp.isfinite(boxes).all(axis=1) & (boxes[:, :2] < boxes[:, 2:]).all(axis=1)
    if not bool(good.all()):
        row = int(good.argmin())
        raise ValueError(
            f"MaskRCNN: box {row} of image {n} must be finite, x1 < x2 and y1 < y2, got "
            f"{given[row].tolist()}"
        )


def _check_labels(n: int, labels: Any, num_classes: int) -> None:
    if not labels.size:
        return
    check_integer("MaskRCNN", **{f"labels of image {n}": labels})
    low, high = extremes(labels)
    if not 1 <= low <= high < num_classes:
        raise ValueError(
            f"MaskRCNN: labels of image {n} must lie in 1 … {num_classes - 1}, 0 being the "
            f"background, got {low} … {high}"
        )


def _check_masks(n: int, masks: Any) -> None:
    if masks.dtype == bool or not masks.size:
        return
    low, high = extremes(masks)
    if not 0 <= low <= high <= 1:
        raise ValueError(f"MaskRCNN: masks of image {n} must be 0 or 1, got {low} … {high}")


def check_counts(name: str, images: int, **entries: Sequence[Any] | None) -> None:
    """Raise ValueError unless each argument has one entry for each image; None passes.

    Examples
    --------
    >>> check_counts("RoIHeads", 2, sizes=[(8, 8)])
    Traceback (most recent call last):
    ValueError: RoIHeads: sizes must have one entry for each of the 2 images, got 1
    """
    for argument, given in entries.items():
        if given is not None and len(given) != images:
            raise ValueError(
                f"{name}: {argument} must have one entry for each of the {images} images, got "
                f"{len(given)}"
            )


def resize_target(
    target: Target, old: Size, new: Size, dtype: Any, *, aligned: bool = False
) -> dict[str, Any]:
    """Resize boxes, and masks if there are any, of an image that went from `old` to `new`.

    Aligned, a pixel of a resized mask repeats the one in which its centre lies; otherwise, as
    torchvision has it, the one in which its upper left corner lies.

    Examples
    --------
    >>> target = {"boxes": np.array([[0, 0, 1, 2]]), "masks": np.array([[[1, 0], [1, 0]]])}
    >>> resized = resize_target(target, (2, 2), (2, 4), np.float32)
    >>> resized["boxes"], resized["masks"][0]
    (array([[0., 0., 2., 2.]], dtype=float32), array([[1, 1, 0, 0],
           [1, 1, 0, 0]]))
    """
    xp = array_namespace(target["boxes"])
    resized = {**target, "boxes": resize_boxes(xp.asarray(target["boxes"], dtype), old, new)}
    if "masks" in target:
        masks = target["masks"]
        xp = array_namespace(masks)
        rows, columns = (
            xp.asarray(_nearest(o, n, 0.5 if aligned else 0.0))
            for o, n in zip(old, new, strict=True)
        )
        resized["masks"] = masks[:, rows[:, None], columns]  # (M, H, W) -> (M, H', W')
    return resized


def resize_boxes(boxes: Any, old: Size, new: Size) -> Any:
    """Multiply boxes by the ratio of the sizes, which are whole: not quite the scale asked for.

    Examples
    --------
    >>> resize_boxes(np.array([[1.0, 1.0, 2.0, 3.0]]), (4, 4), (8, 2))
    array([[0.5, 2. , 1. , 6. ]])
    """
    y, x = (float(np.float32(n) / np.float32(o)) for o, n in zip(old, new, strict=True))
    return boxes * array_namespace(boxes).asarray([x, y, x, y], boxes.dtype)


def _nearest(old: int, new: int, point: float) -> Any:
    """For each pixel of a resized side, the one that this point of it repeats, in float32."""
    step = np.float32(old) / np.float32(new)
    at = np.arange(new, dtype=np.float32) + np.float32(point)
    return np.minimum((at * step).astype(np.int64), old - 1)
