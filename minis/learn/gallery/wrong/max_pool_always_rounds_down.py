"""Leaves out the pixels at the far end, ceil_mode or not."""

import numpy as np

CAUSE = "ignores_ceil_mode"


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes = x.ndim - 2
    k, p, d = (np.broadcast_to(v, axes) for v in (size, padding, dilation))
    s = k if stride is None else np.broadcast_to(stride, axes)
    out = [(n + 2 * p[a] - d[a] * (k[a] - 1) - 1) // s[a] + 1 for a, n in enumerate(x.shape[2:])]
    padded = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p], constant_values=-np.inf)
    numbers = np.arange(int(np.prod(x.shape[2:]))).reshape(x.shape[2:])
    numbers = np.pad(numbers, [(v, v) for v in p])
    best = np.full((*x.shape[:2], *out), -np.inf, x.dtype)
    where = np.full(best.shape, -1)
    for tap in np.ndindex(*k):
        cut = tuple(
            slice(t * d[a], t * d[a] + s[a] * (out[a] - 1) + 1, s[a]) for a, t in enumerate(tap)
        )
        value = padded[(..., *cut)]
        better = value > best
        where = np.where(better, numbers[cut], where)
        best = np.where(better, value, best)
    return best, where
