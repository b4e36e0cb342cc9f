"""A convolution with one loop per index, as on paper."""

import itertools

import numpy as np


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes, size, kernel = x.ndim - 2, x.shape[2:], w.shape[2:]
    s, p, d = ((v,) * axes if isinstance(v, int) else v for v in (stride, padding, dilation))
    out = [(size[a] + 2 * p[a] - d[a] * (kernel[a] - 1) - 1) // s[a] + 1 for a in range(axes)]
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for n, o, *at in np.ndindex(*y.shape):
        total = 0.0 if b is None else b[o]
        first = o // (len(w) // groups) * w.shape[1]
        for c, *tap in itertools.product(*map(range, w.shape[1:])):
            place = [at[a] * s[a] + tap[a] * d[a] - p[a] for a in range(axes)]
            if all(0 <= v < end for v, end in zip(place, size, strict=True)):
                total += w[(o, c, *tap)] * x[(n, first + c, *place)]
        y[(n, o, *at)] = total
    return y
