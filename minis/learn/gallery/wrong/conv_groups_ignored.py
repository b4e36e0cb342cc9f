"""Every filter starts to read at channel 0, whatever its group."""

import itertools

import numpy as np

CAUSE = "reads_the_first_group"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = ((v,) * axes if isinstance(v, int) else v for v in (stride, padding, dilation))
    size, kernel = x.shape[2:], w.shape[2:]
    out = [(size[a] + 2 * p[a] - d[a] * (kernel[a] - 1) - 1) // s[a] + 1 for a in range(axes)]
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for o in range(len(w)):
        for at in itertools.product(*map(range, out)):
            total = np.zeros(len(x), x.dtype)
            for tap in itertools.product(*map(range, kernel)):
                place = tuple(at[a] * s[a] + tap[a] * d[a] - p[a] for a in range(axes))
                if all(0 <= place[a] < size[a] for a in range(axes)):
                    for c in range(w.shape[1]):
                        total += w[(o, c, *tap)] * x[(slice(None), c, *place)]
            y[(slice(None), o, *at)] = total + (0 if b is None else b[o])
    return y
