"""Mask pasting: a box's small mask, resized to the box and put into the image.

Mask R-CNN predicts each object's mask on a 28×28 grid over its box. To become pixels, the mask is
surrounded by one cell of zeros and interpolated bilinearly. There are two ways to say where:

- torchvision's `paste_masks_in_image` truncates the box (enlarged by that cell) to whole pixels and
  resizes the mask to them;
- aligned, as in detectron2, each pixel reads the grid where the pixel's centre lies in the box.

The first moves an object by up to a pixel. Of a large object nobody sees it; of a ring three pixels
wide, cut out by RoIAlign of the same kind and pasted again, it costs a quarter of the IoU.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace, on_cpu
from .checks import check_boxes, check_float, per_axis, shape_text
from .interpolate import interpolate
from .windows import Axes, pad


@accelerated
def paste_masks(masks: Any, boxes: Any, size: int | Axes, *, aligned: bool = False) -> Any:
    """Put each object's mask into an image of its own.

    Parameters
    ----------
    masks : (M, 1, K, K) float array
        Probabilities on a grid over each box.
    boxes : (M, 4) float array
        Boxes (x1, y1, x2, y2) in pixels.
    size : (int, int)
        Height and width of the image.
    aligned : bool
        Read the grid at the pixels' centres; otherwise as torchvision, see Notes.

    Returns
    -------
    (M, 1, H, W) array of the dtype of `masks`
        Probabilities, 0 outside the box; a mask is where they exceed a threshold, 0.5 say.

    Raises
    ------
    TypeError, ValueError
        If arrays are not floating, boxes not finite, or shapes don't fit.

    Notes
    -----
    Unless aligned, the enlarged box's corners are truncated to integers and both belong to it: a
    box from 10 to 20 covers the pixels 9 to 20. Aligned, pixel j has its centre at j + ½, so that
    the box covers the pixels 10 to 19, and one more at each end shows a trace of it where a cell of
    the grid is larger than a pixel.

    Examples
    --------
    >>> y = paste_masks(np.ones((1, 1, 28, 28)), np.array([[10.0, 2.0, 20.0, 4.0]]), (6, 30))
    >>> y.shape, np.flatnonzero(y.any(axis=(0, 1, 2)))
    ((1, 1, 6, 30), array([ 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]))
    """
    check_float("paste_masks", masks=masks)
    check_boxes("paste_masks", boxes)
    height, width = per_axis("paste_masks", "size", size, 2, low=1)
    m = len(boxes)
    k = masks.shape[-1] if masks.ndim else 0
    if k < 1 or masks.shape != (m, 1, k, k):
        raise ValueError(
            f"paste_masks: masks must have shape ({m}, 1, K, K), K ≥ 1, as boxes of shape "
            f"{shape_text(boxes.shape)} need, got {shape_text(masks.shape)}"
        )
    xp = array_namespace(masks)
    y = xp.zeros((m, 1, height, width), masks.dtype)
    if m == 0:
        return y
    if aligned:
        for mask, box, image in zip(masks[:, 0], on_cpu(boxes).tolist(), y[:, 0], strict=True):
            _paste_aligned(mask, box, image)
        return y
    padded = pad(masks, (1, 1), (1, 1))
    for i, (x1, y1, x2, y2) in enumerate(_enlarged(boxes, padded.shape[-1] / masks.shape[-1])):
        h, w = max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1)
        left, top = max(x1, 0), max(y1, 0)
        right, bottom = min(x2 + 1, width), min(y2 + 1, height)
        if left >= right or top >= bottom:
            continue  # the box lies outside the image
        whole = interpolate(padded[i : i + 1], (h, w), mode="linear")[0, 0]
        y[i, 0, top:bottom, left:right] = whole[top - y1 : bottom - y1, left - x1 : right - x1]
    return y


def _enlarged(boxes: Any, factor: float) -> list[list[int]]:
    """Scale boxes about their centres, and truncate the corners to integers."""
    boxes = on_cpu(boxes)
    centre, half = (boxes[:, 2:] + boxes[:, :2]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    half = half * boxes.dtype.type(factor)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.int64).tolist()


def _paste_aligned(mask: Any, box: list[float], image: Any) -> None:
    """Put one (K, K) mask into its (H, W) image; a box without extent covers nothing."""
    x1, y1, x2, y2 = box
    if not (x1 < x2 and y1 < y2):
        return
    xp, k = array_namespace(mask), len(mask)
    (rows, down), (columns, across) = (
        _shares(low, high, length, k)
        for low, high, length in ((y1, y2, image.shape[0]), (x1, x2, image.shape[1]))
    )
    down, across = (xp.asarray(shares.astype(mask.dtype)) for shares in (down, across))
    image[rows, columns] = down @ mask @ across.T  # (h, K) · (K, K) · (K, w)


def _shares(low: float, high: float, length: int, k: int) -> tuple[slice, Any]:
    """Which pixels of a side show the mask, and the share that each has in each of the K cells.

    Interpolation is linear: a cell's share falls from 1 at its centre to 0 a cell further.
    """
    cell = (high - low) / k
    first = min(max(math.floor(low - cell / 2), 0), length)
    end = min(max(math.ceil(high + cell / 2), first), length)
    at = (np.arange(first, end) + 0.5 - low) / cell - 0.5  # where pixels' centres lie in the grid
    return slice(first, end), np.maximum(1 - np.abs(at[:, None] - np.arange(k)), 0)
