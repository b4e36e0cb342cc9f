"""Divides by the pixels that are there, even if the padding should count."""

import numpy as np

CAUSE = "never_counts_the_padding"


def avg_pool(x, size, *, stride=None, padding=0, ceil_mode=False, count_include_pad=True):
    axes = x.ndim - 2
    stride = size if stride is None else stride
    k, s, p = (np.broadcast_to(v, axes) for v in (size, stride, padding))
    y = x
    for a in range(axes):
        n = x.shape[a + 2]
        out = (n + 2 * p[a] - k[a]) // s[a] + 1
        if ceil_mode and (n + 2 * p[a] - k[a]) % s[a] and out * s[a] < n + p[a]:
            out += 1
        means = []
        for i in range(out):
            start = i * s[a] - p[a]
            cells = range(max(start, 0), min(start + k[a], n))
            means.append(y.take(cells, axis=a + 2).mean(axis=a + 2))
        y = np.stack(means, axis=a + 2)
    return y.astype(x.dtype)
