"""Images with objects in them, to run a detector on where it only matters that it runs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Targets = list[dict[str, Any]]


def scene(
    shape: tuple[int, ...], num_classes: int, dtype: Any = np.float32
) -> tuple[list[Any], Targets]:
    """Draw bright boxes on a dark, noisy ground, one in each quarter of an image.

    Parameters
    ----------
    shape : (int, int, int, int)
        Images, channels, height and width.
    num_classes : int
        The background included, so at least 2.
    dtype : dtype
        Of images and boxes.

    Returns
    -------
    images : list of N (C, H, W) arrays in 0 … 1
    targets : list of N dicts
        `boxes`, `labels` and `masks` of the four objects, as `MaskRCNN` takes them.

    Raises
    ------
    ValueError
        If the shape isn't that of images.

    Examples
    --------
    >>> images, targets = scene((1, 3, 64, 80), 3)
    >>> images[0].shape, targets[0]["boxes"][0], targets[0]["labels"]
    ((3, 64, 80), array([10.,  8., 30., 24.], dtype=float32), array([1, 2, 1, 2]))
    """
    if len(shape) != 4:
        raise ValueError(f"a detector is for images: a shape (N, C, H, W), got {shape}")
    n, channels, h, w = shape
    corners = [(x, y, x + 0.25, y + 0.25) for y in (0.125, 0.625) for x in (0.125, 0.625)]
    boxes = np.array(corners) * (w, h, w, h)  # (4, 4)
    masks = np.zeros((len(boxes), h, w), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(masks, boxes, strict=True):
        mask[math.floor(y1) : math.ceil(y2), math.floor(x1) : math.ceil(x2)] = 1
    labels = 1 + np.arange(len(boxes)) % (num_classes - 1)
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 0.3, (n, channels, h, w)) + 0.6 * masks.any(axis=0)
    target = {"boxes": boxes.astype(dtype), "labels": labels, "masks": masks}
    return list(images.astype(dtype)), [dict(target) for _ in range(n)]
