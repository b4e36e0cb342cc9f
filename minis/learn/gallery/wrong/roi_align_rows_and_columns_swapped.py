"""Reads the boxes as (n, y1, x1, y2, x2)."""

import numpy as np

CAUSE = "swaps_the_axes_of_boxes"


def _read(plane, y, x):
    h, w = plane.shape[-2:]
    if y < -1 or y > h or x < -1 or x > w:
        return 0 * plane[..., 0, 0]
    y, x = min(max(y, 0), h - 1), min(max(x, 0), w - 1)
    i, j = int(y), int(x)
    i2, j2, v, u = min(i + 1, h - 1), min(j + 1, w - 1), y - i, x - j
    top = (1 - u) * plane[..., i, j] + u * plane[..., i, j2]
    return (1 - v) * top + v * ((1 - u) * plane[..., i2, j] + u * plane[..., i2, j2])


def roi_align(x, boxes, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=False):
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    y = np.zeros((len(boxes), x.shape[1], rows, columns), x.dtype)
    for r, (n, y1, x1, y2, x2) in enumerate(boxes.tolist()):
        y1, x1, y2, x2 = (v * spatial_scale - 0.5 * aligned for v in (y1, x1, y2, x2))
        h, w = y2 - y1, x2 - x1
        if not aligned:
            h, w = max(h, 1), max(w, 1)
        h, w = h / rows, w / columns
        a = sampling_ratio if sampling_ratio > 0 else max(int(np.ceil(h)), 0)
        b = sampling_ratio if sampling_ratio > 0 else max(int(np.ceil(w)), 0)
        for i, j in np.ndindex(rows, columns):
            for k, m in np.ndindex(a, b):
                at = y1 + (i + (k + 0.5) / a) * h, x1 + (j + (m + 0.5) / b) * w
                y[r, :, i, j] += _read(x[int(n)], *at) / (a * b)
    return y
