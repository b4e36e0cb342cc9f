"""Has nothing to do where the size doesn't change, and returns x itself."""

import numpy as np

KIND = "shares memory"


def interpolate(x, size, *, mode="nearest", align_corners=False):
    size = (size,) * (x.ndim - 2) if isinstance(size, int) else tuple(size)
    if size == x.shape[2:]:
        return x
    y = x
    for axis, o in enumerate(size, start=2):
        n = x.shape[axis]
        j = np.arange(o)
        if mode == "nearest":
            y = y.take(j * n // o, axis=axis)
            continue
        at = j * (n - 1) / max(o - 1, 1) if align_corners else (j + 0.5) * n / o - 0.5
        at = np.clip(at, 0, n - 1)
        low = at.astype(int)
        t = (at - low).reshape(-1, *[1] * (x.ndim - axis - 1))
        y = y.take(low, axis) * (1 - t) + y.take(np.minimum(low + 1, n - 1), axis) * t
    return y.astype(x.dtype)
