"""Assigns dy through an index array; a pixel that won twice gets one gradient only."""

import numpy as np

CAUSE = "overwrites_where_maxima_coincide"


def max_pool_backward(dy, indices, input_shape):
    dx = np.zeros(input_shape, dy.dtype)
    for n in range(input_shape[0]):
        for c in range(input_shape[1]):
            plane = np.zeros(int(np.prod(input_shape[2:])), dy.dtype)
            plane[indices[n, c].ravel()] = dy[n, c].ravel()
            dx[n, c] = plane.reshape(input_shape[2:])
    return dx
