"""np.where(x > 0, x, 0): a NaN isn't greater than 0, and turns into one."""

import numpy as np

CAUSE = "swallows_nan"


def relu(x):
    y = np.zeros_like(x)
    positive = x > 0
    y[positive] = x[positive]
    return y
