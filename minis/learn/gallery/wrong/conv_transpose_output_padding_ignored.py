"""output_padding is an argument of which no line speaks."""

import numpy as np

CAUSE = "ignores_output_padding"


def conv_transpose(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    kernel = w.shape[2:]
    full = [(n - 1) * s[a] + d[a] * (kernel[a] - 1) + 1 for a, n in enumerate(x.shape[2:])]
    if any(n - 2 * v < 1 for n, v in zip(full, p, strict=True)):
        raise ValueError("nothing is left of the output")
    y = np.zeros((len(x), w.shape[1] * groups, *full), x.dtype)
    fan_in, fan_out = len(w) // groups, w.shape[1]
    for at in np.ndindex(*x.shape[2:]):  # each pixel stamps the filter
        stamp = [
            slice(i * s[a], i * s[a] + d[a] * (kernel[a] - 1) + 1, d[a]) for a, i in enumerate(at)
        ]
        for g in range(groups):
            inputs = slice(g * fan_in, (g + 1) * fan_in)
            value = x[(slice(None), inputs, *at)]
            where = (slice(None), slice(g * fan_out, (g + 1) * fan_out), *stamp)
            y[where] += np.tensordot(value, w[inputs], (1, 0))
    y = y[(..., *(slice(v, n - v) for v, n in zip(p, full, strict=True)))].copy()
    return y if b is None else y + b.reshape(-1, *[1] * axes)
