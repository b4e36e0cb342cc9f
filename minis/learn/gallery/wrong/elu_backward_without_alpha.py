"""Takes the slope of the negative branch to be y + 1, which holds where alpha is 1."""

import numpy as np

CAUSE = "forgets_alpha"


def elu_backward(dy, y, alpha=1.0):
    slope = np.ones_like(y)
    slope[y <= 0] = y[y <= 0] + 1
    return dy * slope
