"""Resizing as one small matrix per axis, and its transpose would be the backward."""

import numpy as np


def _matrix(n, o, mode, align_corners):
    matrix = np.zeros((o, n))
    for j in range(o):
        if mode == "nearest":
            matrix[j, j * n // o] = 1
            continue
        at = j * (n - 1) / max(o - 1, 1) if align_corners else (2 * j + 1) * n / (2 * o) - 0.5
        distance = np.abs(np.arange(n) - np.clip(at, 0, n - 1))
        matrix[j] = np.clip(1 - distance, 0, None)
    return matrix


def interpolate(x, size, *, mode="nearest", align_corners=False):
    size = [size] * (x.ndim - 2) if isinstance(size, int) else size
    y = x
    for axis, o in enumerate(size, start=2):
        matrix = _matrix(x.shape[axis], o, mode, align_corners)
        y = np.moveaxis(np.tensordot(y, matrix, (axis, 1)), -1, axis)
    return np.array(y, x.dtype, order="C")
