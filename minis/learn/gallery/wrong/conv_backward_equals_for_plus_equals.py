"""Copies the columns back tap after tap; where windows share a pixel, the last one stays."""

import itertools

import numpy as np

CAUSE = "overwrites_where_windows_overlap"


def conv_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    axes, n, o = x.ndim - 2, len(x), len(w)
    s, p, d = ((v,) * axes if isinstance(v, int) else v for v in (stride, padding, dilation))
    wide = np.pad(x, [(0, 0), (0, 0), *((v, v) for v in p)])
    dwide, dw = np.zeros_like(wide), np.zeros_like(w)
    slope = dy.reshape(n, groups, o // groups, int(np.prod(dy.shape[2:])))
    for tap in itertools.product(*map(range, w.shape[2:])):
        cut = tuple(
            slice(t * dd, t * dd + st * (m - 1) + 1, st)
            for t, dd, st, m in zip(tap, d, s, dy.shape[2:], strict=True)
        )
        column = wide[(..., *cut)]
        rows = column.reshape(n, groups, w.shape[1], slope.shape[-1])
        taps = w[(..., *tap)].reshape(groups, o // groups, w.shape[1])
        dwide[(..., *cut)] = np.einsum("ngop,goc->ngcp", slope, taps).reshape(column.shape)
        dw[(..., *tap)] = np.einsum("ngop,ngcp->goc", slope, rows).reshape(o, w.shape[1])
    inside = tuple(slice(v, v + size) for v, size in zip(p, x.shape[2:], strict=True))
    return dwide[(..., *inside)].copy(), dw, dy.sum(axis=(0, *range(2, dy.ndim)))
