"""Max pooling window after window, through a list of each window's cells."""

import itertools

import numpy as np


def _windows(n, k, s, p, d, ceil_mode):
    fits = (n + 2 * p - d * (k - 1) - 1) / s
    count = int(np.ceil(fits) if ceil_mode else np.floor(fits)) + 1
    starts = [i * s - p for i in range(count) if i == 0 or i * s - p < n or not ceil_mode]
    return [[c for c in range(v, v + d * (k - 1) + 1, d) if 0 <= c < n] for v in starts]


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes, plane = x.ndim - 2, x.shape[2:]
    stride = size if stride is None else stride
    k, s, p, d = (np.broadcast_to(v, axes) for v in (size, stride, padding, dilation))
    lists = [_windows(plane[a], k[a], s[a], p[a], d[a], ceil_mode) for a in range(axes)]
    y = np.zeros((*x.shape[:2], *map(len, lists)), x.dtype)
    indices = np.zeros(y.shape, np.int64)
    for n, c, *at in np.ndindex(*y.shape):
        best = None
        for place in itertools.product(*(lists[a][i] for a, i in enumerate(at))):
            value = x[(n, c, *place)]
            if best is None or value > best or np.isnan(value):
                best, where = value, place
        y[(n, c, *at)] = best
        indices[(n, c, *at)] = np.ravel_multi_index(where, plane)
    return y, indices
