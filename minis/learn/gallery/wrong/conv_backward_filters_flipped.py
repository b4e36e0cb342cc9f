"""Has heard that the backward turns the filters round, and does it where += has done so already."""

import numpy as np

CAUSE = "forgets_to_flip_for_dx"


def conv_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    wide = [n + 2 * v for n, v in zip(x.shape[2:], p, strict=True)]
    dx, dw = np.zeros((*x.shape[:2], *wide), x.dtype), np.zeros_like(w)
    xp = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    turned = w[(..., *[slice(None, None, -1)] * axes)]
    fan_out = len(w) // groups
    for tap in np.ndindex(*w.shape[2:]):
        reach = tuple(
            slice(t * d[a], t * d[a] + s[a] * (dy.shape[a + 2] - 1) + 1, s[a])
            for a, t in enumerate(tap)
        )
        for g in range(groups):
            out = slice(g * fan_out, (g + 1) * fan_out)
            seen = (slice(None), slice(g * w.shape[1], (g + 1) * w.shape[1]), *reach)
            sums = (0, *range(2, x.ndim))
            dw[(out, slice(None), *tap)] = np.tensordot(dy[:, out], xp[seen], (sums, sums))
            back = np.tensordot(turned[(out, slice(None), *tap)], dy[:, out], (0, 1))
            dx[seen] += np.moveaxis(back, 0, 1)
    keep = tuple(slice(v, v + n) for v, n in zip(p, x.shape[2:], strict=True))
    return dx[(..., *keep)].copy(), dw, dy.sum(axis=(0, *range(2, dy.ndim)))
