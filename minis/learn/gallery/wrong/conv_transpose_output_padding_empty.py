"""The cells that output_padding adds get no value, not even the bias."""

import numpy as np

CAUSE = "leaves_output_padding_zero"


def conv_transpose(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, e, d = (np.broadcast_to(v, axes) for v in (stride, padding, output_padding, dilation))
    full = [(x.shape[a + 2] - 1) * s[a] + d[a] * (w.shape[a + 2] - 1) + 1 for a in range(axes)]
    y = np.zeros((len(x), w.shape[1] * groups, *full), x.dtype)
    for c, o, *tap in np.ndindex(*w.shape):
        channel = c // (len(w) // groups) * w.shape[1] + o
        cut = [
            slice(t * d[a], t * d[a] + s[a] * (x.shape[a + 2] - 1) + 1, s[a])
            for a, t in enumerate(tap)
        ]
        y[(slice(None), channel, *cut)] += w[(c, o, *tap)] * x[:, c]
    y = y[(..., *(slice(v, n - v) for v, n in zip(p, full, strict=True)))]
    if b is not None:
        y = y + b.reshape(-1, *[1] * axes)
    return np.pad(y, [(0, 0), (0, 0)] + [(0, v) for v in e])
