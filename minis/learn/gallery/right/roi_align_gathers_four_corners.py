"""RoIAlign that reads, for all samples of a box at a time, the four cells around each."""

import numpy as np


def _around(at, size):
    inside = (at >= -1) & (at <= size)
    at = np.clip(at, 0, size - 1)
    low = at.astype(int)
    return low, np.minimum(low + 1, size - 1), at - low, inside


def roi_align(x, boxes, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=False):
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    y = np.zeros((len(boxes), x.shape[1], rows, columns), x.dtype)
    for r, box in enumerate(boxes.astype(float)):
        left, top, right, bottom = box[1:] * spatial_scale - (0.5 if aligned else 0)
        high, wide = bottom - top, right - left
        if not aligned:
            high, wide = max(high, 1.0), max(wide, 1.0)
        high, wide = high / rows, wide / columns
        m, n = (
            sampling_ratio if sampling_ratio > 0 else max(int(np.ceil(v)), 0) for v in (high, wide)
        )
        if not m * n:
            continue
        at_y = top + ((np.arange(m) + 0.5) / m + np.arange(rows)[:, None]).ravel() * high
        at_x = left + ((np.arange(n) + 0.5) / n + np.arange(columns)[:, None]).ravel() * wide
        i, i2, v, in_y = _around(at_y, x.shape[2])
        j, j2, u, in_x = _around(at_x, x.shape[3])
        plane, v = x[int(box[0])], v[:, None]
        upper = (1 - u) * plane[:, i][:, :, j] + u * plane[:, i][:, :, j2]
        lower = (1 - u) * plane[:, i2][:, :, j] + u * plane[:, i2][:, :, j2]
        samples = np.where(in_y[:, None] & in_x, (1 - v) * upper + v * lower, 0)
        y[r] = samples.reshape(len(plane), rows, m, columns, n).mean(axis=(2, 4))
    return y
