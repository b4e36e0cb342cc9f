"""Adds every box's gradient to the first image's map."""

import numpy as np

CAUSE = "gives_every_box_to_the_first_map"


def _corners(at, size):
    if at < -1 or at > size:
        return []
    at = min(max(at, 0.0), size - 1.0)
    low = int(at)
    return [(low, 1 - (at - low)), (min(low + 1, size - 1), at - low)]


def roi_align_backward(
    dy, boxes, input_shape, *, spatial_scale=1.0, sampling_ratio=-1, aligned=False
):
    dx = np.zeros(input_shape, dy.dtype)
    for r, box in enumerate(boxes):
        x1, y1, x2, y2 = (float(v) * spatial_scale - 0.5 * aligned for v in box[1:])
        least = -np.inf if aligned else 1.0
        h = max(y2 - y1, least) / dy.shape[2]
        w = max(x2 - x1, least) / dy.shape[3]
        m, n = (sampling_ratio if sampling_ratio > 0 else max(int(np.ceil(v)), 0) for v in (h, w))
        for i, j, k, q in np.ndindex(*dy.shape[2:], m, n):
            for row, a in _corners(y1 + (i + (k + 0.5) / m) * h, input_shape[2]):
                for column, b in _corners(x1 + (j + (q + 0.5) / n) * w, input_shape[3]):
                    dx[0, :, row, column] += a * b * dy[r, :, i, j] / (m * n)
    return dx
