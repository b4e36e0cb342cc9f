"""Writes each window's gradient into dx, and forgets what an earlier window left there."""

import numpy as np

CAUSE = "keeps_the_last_window"


def conv_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    xp = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    db = dy.sum(axis=(0, *range(2, dy.ndim)))
    fan_in, fan_out = w.shape[1], len(w) // groups
    for at in np.ndindex(*dy.shape[2:]):
        window = tuple(
            slice(i * s[a], i * s[a] + d[a] * (w.shape[a + 2] - 1) + 1, d[a])
            for a, i in enumerate(at)
        )
        for g in range(groups):
            channels = slice(g * fan_in, (g + 1) * fan_in)
            filters = slice(g * fan_out, (g + 1) * fan_out)
            slope = dy[(slice(None), filters, *at)]  # (N, fan_out)
            patch = (slice(None), channels, *window)
            dw[filters] += np.tensordot(slope, xp[patch], (0, 0))
            dxp[patch] = np.tensordot(slope, w[filters], (1, 0))
    crop = tuple(slice(v, v + n) for v, n in zip(p, x.shape[2:], strict=True))
    return dxp[(..., *crop)].copy(), dw, db
