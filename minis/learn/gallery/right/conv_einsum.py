"""A convolution as one einsum over a view of all windows."""

import numpy as np


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    extent = d * (np.array(w.shape[2:]) - 1) + 1
    view = np.lib.stride_tricks.sliding_window_view(x, extent, tuple(range(2, x.ndim)))
    view = view[(..., *(slice(None, None, v) for v in s), *[slice(None)] * axes)]
    view = view[(..., *(slice(None, None, v) for v in d))]
    view = view.reshape(len(x), groups, w.shape[1], *view.shape[2:])
    filters = w.reshape(groups, len(w) // groups, *w.shape[1:])
    at, tap = "xyz"[:axes], "ijk"[:axes]
    y = np.einsum(f"ngc{at}{tap},goc{tap}->ngo{at}", view, filters)
    y = y.reshape(len(x), len(w), *y.shape[3:])
    return y if b is None else y + b.reshape(-1, *[1] * axes)
