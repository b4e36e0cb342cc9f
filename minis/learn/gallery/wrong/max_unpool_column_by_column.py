"""Turns an index into a place as Fortran counts: the first axis runs fastest."""

import numpy as np

CAUSE = "fills_column_by_column"


def max_unpool(x, indices, output_size):
    size = (output_size,) * (x.ndim - 2) if isinstance(output_size, int) else output_size
    y = np.zeros(x.shape[:2] + tuple(size), x.dtype)
    for at in np.ndindex(*x.shape):
        rest, place = int(indices[at]), []
        for length in size:
            place.append(rest % length)
            rest //= length
        y[(*at[:2], *place)] = x[at]
    return y
