"""A convolution as a matrix product: the windows lie in the columns of a matrix."""

import numpy as np


def _columns(x, kernel, s, d, out):
    parts = []
    for tap in np.ndindex(*kernel):
        cut = [slice(t * d[a], t * d[a] + s[a] * (out[a] - 1) + 1, s[a]) for a, t in enumerate(tap)]
        parts.append(x[(..., *cut)].reshape(*x.shape[:2], int(np.prod(out))))
    return np.stack(parts, axis=2)  # (N, C, taps, places)


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes, kernel = x.ndim - 2, w.shape[2:]
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    x = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    out = [(n - d[a] * (kernel[a] - 1) - 1) // s[a] + 1 for a, n in enumerate(x.shape[2:])]
    columns = _columns(x, kernel, s, d, out)
    rows = w.reshape(groups, 1, len(w) // groups, w[0].size)
    results = []
    for g in range(groups):
        part = columns[:, g * w.shape[1] : (g + 1) * w.shape[1]]
        results.append(rows[g] @ part.reshape(len(x), w[0].size, part.shape[-1]))
    y = np.concatenate(results, axis=1).reshape(len(x), len(w), *out)
    return y if b is None else y + b[:, None].reshape(-1, *[1] * axes)
