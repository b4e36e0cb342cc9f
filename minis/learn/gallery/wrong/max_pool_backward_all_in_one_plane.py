"""np.add.at on the whole of dx, with indices that count within a plane."""

import numpy as np

CAUSE = "gives_every_channel_to_the_first"


def max_pool_backward(dy, indices, input_shape):
    flat = np.zeros(int(np.prod(input_shape)), dy.dtype)
    for where, slope in zip(indices.flat, dy.flat, strict=True):
        flat[where] += slope
    return flat.reshape(input_shape)
