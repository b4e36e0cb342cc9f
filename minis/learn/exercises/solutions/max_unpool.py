"""Unpooling: values back to where they came from.

SegNet's encoder keeps the indices of each max pooling. Its decoder makes the map large again by
putting each value at the place its maximum came from, and 0 everywhere else. An index counts
the cells of one plane of the large map row by row.

Where windows overlapped, one place may be named several times; the value that comes last, row
by row, stays: values are put, not added.
"""

import numpy as np


def max_unpool(x, indices, output_size):
    """Put the values x (N, C, H, W) at `indices`; return (N, C, *output_size) of x's dtype.

    >>> x, indices = np.array([[[[5.0, 7.0]]]]), np.array([[[[1, 2]]]])
    >>> max_unpool(x, indices, (2, 2))[0, 0]
    array([[0., 5.],
           [7., 0.]])
    """
    # your turn
    n, c, *small = x.shape
    values = x.reshape(n * c, small[0] * small[1])
    places = indices.reshape(n * c, small[0] * small[1])
    y = np.zeros((n * c, output_size[0] * output_size[1]), x.dtype)
    for plane in range(n * c):
        for place, value in zip(places[plane], values[plane], strict=True):
            y[plane, place] = value
    return y.reshape(n, c, *output_size)
    # end of your turn


# hint: For one plane: flat zeros, then flat[index] = value for all its values in order.
# hint: Reshape x and indices to (N·C, H·W), and y to (N·C, OH·OW); write the lengths out, as −1
#     fails on an empty batch.
