"""The bias's gradient is read off the first sample."""

import numpy as np

CAUSE = "sums_the_bias_gradient_over_one_sample"


def conv_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    xp = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for o, c, *tap in np.ndindex(*w.shape):
        channel = o // (len(w) // groups) * w.shape[1] + c
        cut = [
            slice(t * d[a], t * d[a] + s[a] * (dy.shape[a + 2] - 1) + 1, s[a])
            for a, t in enumerate(tap)
        ]
        seen = (slice(None), channel, *cut)
        dw[(o, c, *tap)] = (dy[:, o] * xp[seen]).sum()
        dxp[seen] += w[(o, c, *tap)] * dy[:, o]
    dx = dxp[(..., *(slice(v, v + n) for v, n in zip(p, x.shape[2:], strict=True)))].copy()
    db = np.zeros(len(w), w.dtype)
    for channel in range(len(w)):
        for sample in dy[:1]:
            db[channel] += sample[channel].sum()
    return dx, dw, db
