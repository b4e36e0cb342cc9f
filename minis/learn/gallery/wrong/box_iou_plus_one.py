"""Counts a box's pixels from its first to its last: x2 − x1 + 1."""

import numpy as np

CAUSE = "adds_one_to_widths"


def box_iou(a, b):
    iou = np.zeros((len(a), len(b)), a.dtype)
    for i, (x1, y1, x2, y2) in enumerate(a):
        for j, (u1, v1, u2, v2) in enumerate(b):
            width = min(x2, u2) - max(x1, u1) + 1
            height = min(y2, v2) - max(y1, v1) + 1
            shared = max(width, 0) * max(height, 0)
            area = (x2 - x1 + 1) * (y2 - y1 + 1)
            iou[i, j] = shared / (area + (u2 - u1 + 1) * (v2 - v1 + 1) - shared)
    return iou
