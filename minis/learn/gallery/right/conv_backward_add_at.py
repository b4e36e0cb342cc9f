"""The gradients of a convolution through index arrays and np.add.at."""

import numpy as np


def conv_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    axes, n, (o, fan_in) = x.ndim - 2, len(x), w.shape[:2]
    s, p, d = (np.broadcast_to(v, axes) for v in (stride, padding, dilation))
    wide = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p])
    plane = wide.shape[2:]
    numbers = np.zeros((1, 1), int)  # (places, taps): a cell's number in the padded plane
    for a, k in enumerate(w.shape[2:]):
        at = np.arange(dy.shape[a + 2])[:, None] * s[a] + np.arange(k) * d[a]
        both = numbers[:, None, :, None] * plane[a] + at[None, :, None, :]
        numbers = both.reshape(len(numbers) * len(at), numbers.shape[1] * k)
    flat = wide.reshape(n, wide.shape[1], int(np.prod(plane)))
    dflat = np.zeros_like(flat)
    rows = dy.reshape(n, o, len(numbers))
    taps = w.reshape(o, fan_in, numbers.shape[1])
    dw = np.zeros_like(taps)
    for f in range(o):
        first = f // (o // groups) * fan_in
        for c in range(fan_in):
            dw[f, c] = np.einsum("np,npt->t", rows[:, f], flat[:, first + c][:, numbers])
            share = rows[:, f, :, None] * taps[f, c]
            np.add.at(dflat[:, first + c], (slice(None), numbers), share)
    dwide = dflat.reshape(wide.shape)
    inside = [slice(v, v + size) for v, size in zip(p, x.shape[2:], strict=True)]
    return dwide[(..., *inside)].copy(), dw.reshape(w.shape), rows.sum(axis=(0, 2))
