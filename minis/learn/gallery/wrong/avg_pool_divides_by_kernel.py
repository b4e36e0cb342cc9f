"""Divides every sum by the number of the window's cells."""

import numpy as np

CAUSE = "divides_by_the_windows_size"


def avg_pool(x, size, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    axes = x.ndim - 2
    k = (size,) * axes if isinstance(size, int) else size
    s = k if stride is None else (stride,) * axes if isinstance(stride, int) else stride
    p = (padding,) * axes if isinstance(padding, int) else padding
    y = x / np.prod(k).astype(x.dtype)
    for a, n in enumerate(x.shape[2:]):
        room = n + 2 * p[a] - k[a]
        out = room // s[a] + 1
        if ceil_mode and room % s[a] != 0 and out * s[a] - p[a] < n:
            out += 1
        matrix = np.zeros((out, n), x.dtype)  # a one where a window holds a cell
        for i in range(out):
            matrix[i, max(i * s[a] - p[a], 0) : i * s[a] - p[a] + k[a]] = 1
        y = np.moveaxis(np.tensordot(matrix, y, (1, a + 2)), 0, a + 2)
    return np.ascontiguousarray(y)
