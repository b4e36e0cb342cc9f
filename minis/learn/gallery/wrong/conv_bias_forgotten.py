"""The bias is an argument, and nothing is done with it."""

import itertools

import numpy as np

CAUSE = "forgets_the_bias"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = ((v,) * axes if isinstance(v, int) else v for v in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0), *((v, v) for v in p)])
    kernel = w.shape[2:]
    out = [(x.shape[a + 2] - d[a] * (kernel[a] - 1) - 1) // s[a] + 1 for a in range(axes)]
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for tap in itertools.product(*map(range, kernel)):
        begin = [t * dd for t, dd in zip(tap, d, strict=True)]
        cut = [slice(f, f + st * (o - 1) + 1, st) for f, st, o in zip(begin, s, out, strict=True)]
        seen = x[(..., *cut)]
        for o in range(len(w)):
            g = o // (len(w) // groups)
            for c in range(w.shape[1]):
                y[:, o] += w[(o, c, *tap)] * seen[:, g * w.shape[1] + c]
    return y
