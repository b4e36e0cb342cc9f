"""Resizes dy to the shape of x: that is no transpose, and loses what pixels should sum."""

import numpy as np

CAUSE = "resizes_the_gradient_back"


def interpolate_backward(dy, input_shape, *, mode="nearest", align_corners=False):
    dx = dy.astype(float)
    for axis in range(2, dy.ndim):
        n, o = dy.shape[axis], input_shape[axis]
        matrix = np.zeros((o, n))
        for j in range(o):
            if mode == "nearest":
                at = float(j * n // o)
            elif align_corners:
                at = j * (n - 1) / (o - 1) if o > 1 else 0.0
            else:
                at = min(max((2 * j + 1) * n / (2 * o) - 0.5, 0), n - 1)
            low = int(at)
            matrix[j, low] += 1 - (at - low)
            matrix[j, min(low + 1, n - 1)] += at - low
        dx = np.moveaxis(np.tensordot(dx, matrix, (axis, 1)), -1, axis)
    return np.ascontiguousarray(dx, dy.dtype)
