"""Does arithmetic with `stride` as if it were always one number."""

import numpy as np

KIND = "exception"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(p, p) for p in np.broadcast_to(padding, axes)])
    d = np.broadcast_to(dilation, axes)
    reach = [x.shape[a + 2] - d[a] * (w.shape[a + 2] - 1) for a in range(axes)]
    out = [(r + stride - 1) // stride for r in reach]
    y = np.zeros((len(x), len(w), *out), x.dtype)
    for o in range(len(w)):
        first = o // (len(w) // groups) * w.shape[1]
        for c, *tap in np.ndindex(*w.shape[1:]):
            cut = tuple(slice(tap[a] * d[a], tap[a] * d[a] + reach[a], stride) for a in range(axes))
            y[:, o] += w[(o, c, *tap)] * x[:, first + c][(slice(None), *cut)]
    return y if b is None else y + b.reshape(-1, *[1] * axes)
