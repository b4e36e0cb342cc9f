"""Multiplies by y(1 − y), which is the diagonal of the Jacobian only."""

import numpy as np

CAUSE = "sees_only_the_diagonal"


def softmax_backward(dy, y, axis=1):
    y, dy = np.moveaxis(y, axis, -1), np.moveaxis(dy, axis, -1)
    dx = np.zeros(y.shape, y.dtype)
    for at in np.ndindex(*y.shape[:-1]):
        jacobian = np.diag(y[at] * (1 - y[at]))
        dx[at] = jacobian @ dy[at]
    return np.ascontiguousarray(np.moveaxis(dx, -1, axis))
