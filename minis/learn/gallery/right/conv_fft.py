"""A convolution as a product of spectra; the filter's is conjugated, for it isn't turned round."""

import numpy as np


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = tuple(range(2, x.ndim))
    s, p, d = (np.broadcast_to(v, len(axes)) for v in (stride, padding, dilation))
    size = [n + 2 * v for n, v in zip(x.shape[2:], p, strict=True)]
    signal = np.zeros((*x.shape[:2], *size))
    signal[(..., *(slice(v, v + n) for v, n in zip(p, x.shape[2:], strict=True)))] = x
    spread = np.zeros((*w.shape[:2], *size))
    spread[(..., *(slice(0, v * (k - 1) + 1, v) for v, k in zip(d, w.shape[2:], strict=True)))] = w
    seen = np.fft.fftn(signal, axes=axes)
    seen = seen.reshape(len(x), groups, 1, w.shape[1], *size)
    filters = np.conj(np.fft.fftn(spread, axes=axes))
    filters = filters.reshape(1, groups, len(w) // groups, w.shape[1], *size)
    spectrum = (seen * filters).sum(axis=3).reshape(len(x), len(w), *size)
    y = np.fft.ifftn(spectrum, axes=axes).real
    valid = [
        slice(0, n - v * (k - 1), t) for n, v, k, t in zip(size, d, w.shape[2:], s, strict=True)
    ]
    y = y[(..., *valid)]
    return (y if b is None else y + b.reshape(-1, *[1] * len(axes))).astype(x.dtype)
