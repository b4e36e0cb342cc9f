"""A gradient from two calls.

Whatever a derivation on paper says, the slope of f along one number of x can be measured: move
that number up a little, move it down a little, and divide the difference of f by the way
between. It costs two calls of f for each number, and so it is for checking, not for training.
"""

import numpy as np


def numerical_gradient(f, x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Return the gradient of f, a function of an array that returns a number, at x (float64).

    Central differences: (f(x + step) − f(x − step)) / (2 · step), for one number of x at a time.
    """
    # your turn
    gradient = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[at] += step
        down[at] -= step
        gradient[at] = (f(up) - f(down)) / (2 * step)
    return gradient
    # end of your turn


# hint: `for at in np.ndindex(*x.shape)` goes through all places of an array of any shape; x[at]
#     is the number there.
# hint: Change copies of x: whoever calls you wants x as it was.
