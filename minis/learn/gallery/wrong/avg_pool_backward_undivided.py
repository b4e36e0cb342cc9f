"""Every cell of a window gets the whole gradient of its mean."""

import numpy as np

CAUSE = "forgets_to_divide"


def avg_pool_backward(
    dy, input_shape, size, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True
):
    axes = dy.ndim - 2
    stride = size if stride is None else stride
    k, s, p = (np.broadcast_to(v, axes) for v in (size, stride, padding))
    dx = np.zeros(input_shape, dy.dtype)
    for at in np.ndindex(*dy.shape[2:]):
        first = np.array(at) * s - p
        window = tuple(
            slice(max(f, 0), min(f + length, n))
            for f, length, n in zip(first, k, input_shape[2:], strict=True)
        )
        slope = dy[(slice(None), slice(None), *at)]
        dx[(..., *window)] += slope.reshape(*slope.shape, *[1] * axes)
    return dx
