"""Sums dy · x over all x for the slope's gradient, and not over the negative ones."""

import numpy as np

CAUSE = "learns_from_positive_values_too"


def prelu_backward(dy, x, a):
    shape = (-1, *[1] * (x.ndim - 2)) if len(a) > 1 else (1,) * x.ndim
    dx = np.where(x > 0, dy, dy * a.reshape(shape))
    products = dy * x
    if len(a) == 1:
        return dx, np.array([products.sum()], a.dtype)
    return dx, np.array([products[:, c].sum() for c in range(len(a))], a.dtype)
