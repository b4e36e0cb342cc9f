"""The backward of max pooling.

Only the largest number of a window had any influence, so it alone gets the gradient. Where
windows overlap, one number can be the largest of several.
"""

import numpy as np


def max_pool_backward(dy, indices, input_shape):
    """Send each dy (N, C, OH, OW) to the cell that `indices` names; return dx of `input_shape`.

    An index counts the cells of one plane (H, W) of x row by row.

    >>> dy, indices = np.array([[[[1.0, 2.0]]]]), np.array([[[[3, 3]]]])
    >>> max_pool_backward(dy, indices, (1, 1, 2, 2))[0, 0]
    array([[0., 0.],
           [0., 3.]])
    """
    # your turn
    n, c, *plane = input_shape
    dx = np.zeros((n * c, int(np.prod(plane))), dy.dtype)
    places = indices.reshape(n * c, int(np.prod(indices.shape[2:])))
    planes = np.arange(n * c)[:, None]
    np.add.at(dx, (planes, places), dy.reshape(places.shape))
    return dx.reshape(input_shape)
    # end of your turn


# hint: Look at a plane at a time: flat zeros of H·W cells, and dy and indices of that plane,
#     flat.
# hint: flat[indices] += dy forgets all but one of several equal indices. np.add.at doesn't; a
#     loop over numbers doesn't either.
