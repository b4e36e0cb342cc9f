"""Counts the indices in the array that np.pad returned."""

import numpy as np

CAUSE = "counts_indices_in_the_padded_plane"


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes, inside = x.ndim - 2, x.shape[2:]
    if stride is None:
        stride = size
    k, s, p, d = (np.broadcast_to(v, axes) for v in (size, stride, padding, dilation))
    plane = tuple(n + 2 * v for n, v in zip(inside, p, strict=True))
    low = np.full((*x.shape[:2], *plane), -np.inf, x.dtype)
    low[(..., *(slice(v, v + n) for v, n in zip(p, inside, strict=True)))] = x
    starts = []
    for a in range(axes):
        fits = list(range(0, plane[a] - d[a] * (k[a] - 1), s[a]))
        ends = fits[-1] + d[a] * (k[a] - 1) + 1
        if ceil_mode and ends < plane[a] and fits[-1] + s[a] < p[a] + inside[a]:
            fits.append(fits[-1] + s[a])
        starts.append(fits)
    y = np.zeros((*x.shape[:2], *map(len, starts)), x.dtype)
    indices = np.zeros(y.shape, "int64")
    for n, c, *at in np.ndindex(*y.shape):
        ranges = [
            range(starts[a][i], min(starts[a][i] + d[a] * (k[a] - 1) + 1, plane[a]), d[a])
            for a, i in enumerate(at)
        ]
        window = low[n, c][np.ix_(*ranges)]
        spot = np.unravel_index(window.argmax(), window.shape)
        y[(n, c, *at)] = window[spot]
        place = [r[i] for r, i in zip(ranges, spot, strict=True)]
        indices[(n, c, *at)] = np.ravel_multi_index(place, plane)
    return y, indices
