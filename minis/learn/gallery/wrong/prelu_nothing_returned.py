"""Computes everything, and ends without `return`."""

import numpy as np

KIND = "nothing"


def prelu(x, a):
    slopes = a.reshape(-1, *[1] * (x.ndim - 2)) if x.ndim > 1 else a
    y = np.where(x >= 0, x, slopes * x)
    y = y.astype(x.dtype)
