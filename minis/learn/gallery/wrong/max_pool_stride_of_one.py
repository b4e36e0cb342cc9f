"""Where no stride is given, the window moves on by one pixel."""

import numpy as np

CAUSE = "takes_a_stride_of_one"


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes = x.ndim - 2
    stride = stride or 1
    spread = [(v,) * axes if isinstance(v, int) else v for v in (size, stride, padding, dilation)]
    lists = []
    for n, k, s, p, d in zip(x.shape[2:], *spread, strict=True):
        windows, start = [], -p
        while start + d * (k - 1) < n + p or (
            ceil_mode and windows and start < n and start - s + d * (k - 1) + 1 < n + p
        ):
            windows.append([i for i in range(start, start + d * (k - 1) + 1, d) if 0 <= i < n])
            start += s
        lists.append(windows)
    y = np.zeros((*x.shape[:2], *map(len, lists)), x.dtype)
    indices = np.zeros(y.shape, np.int64)
    numbers = np.arange(int(np.prod(x.shape[2:]))).reshape(x.shape[2:])
    for at in np.ndindex(*y.shape[2:]):
        cells = np.ix_(*(windows[i] for windows, i in zip(lists, at, strict=True)))
        seen = x[(slice(None), slice(None), *cells)].reshape(*x.shape[:2], numbers[cells].size)
        chosen = seen.argmax(axis=2)
        y[(..., *at)] = np.take_along_axis(seen, chosen[:, :, None], axis=2)[:, :, 0]
        indices[(..., *at)] = numbers[cells].ravel()[chosen]
    return y, indices
