"""Squares and halves below beta, as the formula for beta = 1 says."""

import numpy as np

CAUSE = "forgets_to_divide_by_beta"


def smooth_l1(x, target, *, beta=1.0, reduction="mean"):
    total = x.dtype.type(0)
    for a, b in zip(x.ravel(), target.ravel(), strict=True):
        d = abs(a - b)
        total += x.dtype.type(d * d / 2 if d < beta else d - beta / 2)
    if reduction == "sum":
        return total
    return total / np.asarray(x.size, x.dtype)
