"""Returns the maxima alone; nobody can go back to where they stood."""

import numpy as np

KIND = "count"


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes = x.ndim - 2
    stride = size if stride is None else stride
    k, s, p, d = (np.broadcast_to(v, axes) for v in (size, stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p], constant_values=-np.inf)
    window = d * (k - 1) + 1
    view = np.lib.stride_tricks.sliding_window_view(x, window, tuple(range(2, x.ndim)))
    view = view[(..., *(slice(None, None, v) for v in s), *[slice(None)] * axes)]
    view = view[(..., *(slice(None, None, v) for v in d))]
    return view.max(axis=tuple(range(-axes, 0)))
