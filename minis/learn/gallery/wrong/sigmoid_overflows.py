"""1 / (1 + e⁻ˣ), whose exponential is too large for a number where x is very negative."""

import math

import numpy as np

CAUSE = "overflows"


def sigmoid(x):
    return np.power(1 + np.power(x.dtype.type(math.e), -x), -1)
