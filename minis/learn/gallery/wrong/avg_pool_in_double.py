"""Collects the means in np.zeros(shape), which is float64 whatever x is."""

import itertools

import numpy as np

KIND = "dtype"


def avg_pool(x, size, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    axes = x.ndim - 2
    stride = size if stride is None else stride
    k, s, p = (np.broadcast_to(v, axes) for v in (size, stride, padding))
    starts = []
    for a, n in enumerate(x.shape[2:]):
        begin = list(range(-p[a], n + p[a] - k[a] + 1, s[a]))
        if ceil_mode and begin[-1] + k[a] < n + p[a] and begin[-1] + s[a] < n:
            begin.append(begin[-1] + s[a])
        starts.append(begin)
    y = np.zeros((*x.shape[:2], *map(len, starts)))
    for at in np.ndindex(*y.shape):
        total, count = 0.0, 0
        for tap in itertools.product(*map(range, k)):
            place = [starts[a][at[a + 2]] + tap[a] for a in range(axes)]
            if all(0 <= v < n for v, n in zip(place, x.shape[2:], strict=True)):
                total, count = total + float(x[(*at[:2], *place)]), count + 1
            elif count_include_pad:
                count += all(place[a] < x.shape[a + 2] + p[a] for a in range(axes))
        y[at] = total / count
    return y
