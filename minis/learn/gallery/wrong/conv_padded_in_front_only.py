"""Pads before the first pixel, and not behind the last one."""

import numpy as np

CAUSE = "pads_in_front_only"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    stride, padding, dilation = (np.ones(axes, int) * v for v in (stride, padding, dilation))
    padded = np.zeros((*x.shape[:2], *(x.shape[2:] + padding)), x.dtype)
    padded[(..., *(slice(p, None) for p in padding))] = x
    extent = dilation * (np.array(w.shape[2:]) - 1) + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, extent, range(2, x.ndim))
    windows = windows[(..., *(slice(None, None, s) for s in stride), *[slice(None)] * axes)]
    windows = windows[(..., *(slice(None, None, d) for d in dilation))]
    n, out = len(x), windows.shape[2 : 2 + axes]
    windows = windows.reshape(n, groups, w.shape[1], *windows.shape[2:])
    filters = w.reshape(groups, len(w) // groups, *w.shape[1:])
    formula = {1: "ngcxi,goci->ngox", 2: "ngcxyij,gocij->ngoxy", 3: "ngcxyzijk,gocijk->ngoxyz"}
    y = np.einsum(formula[axes], windows, filters).reshape(n, len(w), *out)
    return y if b is None else y + b.reshape(-1, *[1] * axes)
