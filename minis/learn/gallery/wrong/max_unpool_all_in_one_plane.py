"""Writes every channel's values into the first plane of the output."""

import numpy as np

CAUSE = "writes_over_other_channels"


def max_unpool(x, indices, output_size):
    size = (output_size,) * (x.ndim - 2) if isinstance(output_size, int) else tuple(output_size)
    y = np.zeros((*x.shape[:2], *size), x.dtype)
    np.put(y, indices, x)
    return y
