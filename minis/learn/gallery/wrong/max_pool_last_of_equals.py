"""Compares with >=, so that the last of several equal maxima is remembered."""

import itertools

import numpy as np

CAUSE = "takes_the_last_of_a_tie"


def _starts(n, k, s, p, d, up):
    extent = d * (k - 1) + 1
    first = list(range(-p, n + p - extent + 1, s))
    following = first[-1] + s
    if up and first[-1] + extent < n + p and following < n:
        first.append(following)
    return first


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes = x.ndim - 2
    stride = size if stride is None else stride
    k, s, p, d = (
        (v,) * axes if isinstance(v, int) else v for v in (size, stride, padding, dilation)
    )
    starts = [_starts(n, k[a], s[a], p[a], d[a], ceil_mode) for a, n in enumerate(x.shape[2:])]
    y = np.full((*x.shape[:2], *map(len, starts)), -np.inf, x.dtype)
    indices = np.zeros(y.shape, np.int64)
    for at in np.ndindex(*y.shape):
        for tap in itertools.product(*map(range, k)):
            place = tuple(starts[a][at[a + 2]] + tap[a] * d[a] for a in range(axes))
            if all(0 <= v < n for v, n in zip(place, x.shape[2:], strict=True)):
                value = x[(*at[:2], *place)]
                if value >= y[at]:
                    y[at] = value
                    indices[at] = np.ravel_multi_index(place, x.shape[2:])
    return y, indices
