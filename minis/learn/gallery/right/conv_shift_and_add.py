"""A convolution as a sum of shifted images, one for each of the filter's cells."""

import numpy as np


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes, kernel = x.ndim - 2, w.shape[2:]
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    reach = [n - d[a] * (kernel[a] - 1) for a, n in enumerate(x.shape[2:])]
    out = [-(-r // v) for r, v in zip(reach, s, strict=True)]
    y = np.zeros((len(x), len(w), *out), x.dtype)
    if b is not None:
        y += b.reshape(-1, *[1] * axes)
    for o, filters in enumerate(w):
        first = o // (len(w) // groups) * w.shape[1]
        for c, *tap in np.ndindex(*filters.shape):
            shifted = [slice(t * d[a], t * d[a] + reach[a], s[a]) for a, t in enumerate(tap)]
            y[:, o] += filters[(c, *tap)] * x[(slice(None), first + c, *shifted)]
    return y
