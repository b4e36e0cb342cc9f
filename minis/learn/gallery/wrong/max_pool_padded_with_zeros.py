"""The padding is zero, which beats every negative pixel."""

import numpy as np

CAUSE = "pads_max_pooling_with_zeros"


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes = x.ndim - 2
    stride = size if stride is None else stride
    k, s, p, d = (np.broadcast_to(v, axes) for v in (size, stride, padding, dilation))
    places = []  # of every window's cells, for each axis
    for a, n in enumerate(x.shape[2:]):
        room = n + 2 * p[a] - d[a] * (k[a] - 1) - 1
        out = (-(-room // s[a]) if ceil_mode else room // s[a]) + 1
        out -= ceil_mode and (out - 1) * s[a] >= n + p[a]
        places.append(np.arange(out)[:, None] * s[a] + np.arange(k[a]) * d[a])
    wide = [
        (p[a], max(0, place.max() + 1 - n - p[a]))
        for a, (n, place) in enumerate(zip(x.shape[2:], places, strict=True))
    ]
    padded = np.pad(x, [(0, 0), (0, 0), *wide])
    y = np.empty((*x.shape[:2], *map(len, places)), x.dtype)
    indices = np.empty(y.shape, np.int64)
    for n, c, *at in np.ndindex(*y.shape):
        cells = np.ix_(*(place[i] for place, i in zip(places, at, strict=True)))
        window = padded[n, c][cells]
        best = np.unravel_index(window.argmax(), window.shape)
        y[(n, c, *at)] = window[best]
        where = [places[a][at[a], best[a]] - p[a] for a in range(axes)]
        flat = 0
        for a in range(axes):
            flat = flat * x.shape[a + 2] + where[a]
        indices[(n, c, *at)] = flat
    return y, indices
