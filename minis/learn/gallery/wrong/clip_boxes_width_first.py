"""Unpacks `size` as (width, height)."""

import numpy as np

CAUSE = "swaps_height_and_width"


def clip_boxes(boxes, size):
    width, height = size
    clipped = boxes.copy()
    clipped[..., [0, 2]] = np.clip(boxes[..., [0, 2]], 0, width)
    clipped[..., [1, 3]] = np.clip(boxes[..., [1, 3]], 0, height)
    return clipped
