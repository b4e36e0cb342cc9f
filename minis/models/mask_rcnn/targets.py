"""What each image holds: its objects' boxes and masks, checked, and resized with the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...backend import array_namespace, on_cpu
from ...ops.checks import shape_text

Size = tuple[int, int]


def check_target(n: int, size: Size, target: Mapping[str, Any]) -> None:
    """Raise ValueError unless the target of image `n`, of height and width `size`, is well formed.

    Examples
    --------
    >>> check_target(3, (8, 8), {"boxes": np.array([[2, 4, 2, 6]])})
    Traceback (most recent call last):
    ValueError: Transform: box 0 of image 3 must be finite, with x1 < x2 and y1 < y2: [2, 4, 2, 6]
    """
    if "boxes" not in target:
        raise ValueError(f"Transform: the target of image {n} has no boxes")
    boxes = on_cpu(target["boxes"])
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"Transform: boxes of image {n} must have shape (M, 4), got {shape_text(boxes.shape)}"
        )
    good = np.isfinite(boxes).all(axis=1) & (boxes[:, :2] < boxes[:, 2:]).all(axis=1)
    if not good.all():
        row = int(good.argmin())
        raise ValueError(
            f"Transform: box {row} of image {n} must be finite, with x1 < x2 and y1 < y2: "
            f"{boxes[row].tolist()}"
        )
    for name, shape in (("labels", (len(boxes),)), ("masks", (len(boxes), *size))):
        if name in target and tuple(target[name].shape) != tuple(shape):
            raise ValueError(
                f"Transform: {name} of image {n} must have shape {shape_text(shape)}, as its size "
                f"and its {len(boxes)} boxes need, got {shape_text(target[name].shape)}"
            )


def resize_target(target: Mapping[str, Any], old: Size, new: Size, dtype: Any) -> dict[str, Any]:
    """Resize boxes, and masks if there are any, of an image that went from `old` to `new`.

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
        rows, columns = (xp.asarray(_nearest(o, n)) for o, n in zip(old, new, strict=True))
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


def _nearest(old: int, new: int) -> Any:
    """For each pixel of a resized side, the pixel that it repeats, computed in float32."""
    step = np.float32(old) / np.float32(new)
    return np.minimum((np.arange(new, dtype=np.float32) * step).astype(np.int64), old - 1)
