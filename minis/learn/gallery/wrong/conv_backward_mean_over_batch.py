"""The filters' gradient is averaged over the samples, though the loss has seen to that."""

import numpy as np

CAUSE = "averages_the_weight_gradient"


def conv_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    axes, batch = x.ndim - 2, len(x)
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    xp = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    fan_in, fan_out = w.shape[1], len(w) // groups
    for n in range(batch):
        for o, *at in np.ndindex(*dy.shape[1:]):
            first = o // fan_out * fan_in
            window = [
                slice(i * s[a], i * s[a] + d[a] * (w.shape[a + 2] - 1) + 1, d[a])
                for a, i in enumerate(at)
            ]
            here = (n, slice(first, first + fan_in), *window)
            dw[o] += dy[(n, o, *at)] * xp[here] / batch
            dxp[here] += dy[(n, o, *at)] * w[o]
    inside = [slice(v, v + size) for v, size in zip(p, x.shape[2:], strict=True)]
    return dxp[(..., *inside)].copy(), dw, dy.sum(axis=(0, *range(2, dy.ndim)))
