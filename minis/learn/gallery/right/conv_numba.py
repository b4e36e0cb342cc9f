"""A convolution in loops that Numba compiles; one axis and two are three, of length 1."""

import functools

import numpy as np


@functools.cache
def _compiled():
    import numba

    return numba.njit(_loops)


def _loops(x, w, y, s, p, d, fan_out):
    kernel = w.shape[2:]
    for n in range(y.shape[0]):
        for o in range(y.shape[1]):
            first = o // fan_out * w.shape[1]
            for i, j, k in np.ndindex(y.shape[2:]):
                total = 0.0
                for u, v, t in np.ndindex(kernel):
                    a = i * s[0] + u * d[0] - p[0]
                    b = j * s[1] + v * d[1] - p[1]
                    c = k * s[2] + t * d[2] - p[2]
                    inside = 0 <= a < x.shape[2] and 0 <= b < x.shape[3] and 0 <= c < x.shape[4]
                    if inside:
                        for m in range(w.shape[1]):
                            total += w[o, m, u, v, t] * x[n, first + m, a, b, c]
                y[n, o, i, j, k] = total


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    more = (1,) * (3 - axes)
    s, p, d = (
        (*more, *((v,) * axes if isinstance(v, int) else v)) for v in (stride, padding, dilation)
    )
    p = (*(0 for _ in more), *p[len(more) :])
    out = [
        (n + 2 * p[a] - d[a] * (k - 1) - 1) // s[a] + 1
        for a, (n, k) in enumerate(zip(x.shape[2:], w.shape[2:], strict=True), start=len(more))
    ]
    y = np.zeros((len(x), len(w), *more, *out), x.dtype)
    wide_x = np.ascontiguousarray(x.reshape(*x.shape[:2], *more, *x.shape[2:]))
    wide_w = np.ascontiguousarray(w.reshape(*w.shape[:2], *more, *w.shape[2:]))
    _compiled()(wide_x, wide_w, y, s, p, d, len(w) // groups)
    y = y.reshape(len(x), len(w), *out)
    return y if b is None else y + b.reshape(-1, *[1] * axes)
