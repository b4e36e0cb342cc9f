"""Returns the parameters' gradients first, as they are needed first."""

import numpy as np

KIND = "shape"


def conv_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    xp = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for o, c, *tap in np.ndindex(*w.shape):
        cut = [slice(t * d[a], None, s[a]) for a, t in enumerate(tap)]
        seen = (slice(None), o // (len(w) // groups) * w.shape[1] + c, *cut)
        window = tuple(slice(0, m) for m in dy.shape[2:])
        dw[(o, c, *tap)] = (dy[:, o] * xp[seen][(slice(None), *window)]).sum()
        dxp[seen][(slice(None), *window)] += w[(o, c, *tap)] * dy[:, o]
    dx = dxp[(..., *(slice(v, v + n) for v, n in zip(p, x.shape[2:], strict=True)))].copy()
    return dw, dy.sum(axis=(0, *range(2, dy.ndim))), dx
