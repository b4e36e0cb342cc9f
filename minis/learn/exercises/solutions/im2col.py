"""Windows as columns: im2col.

A convolution is a matrix product once each window is written as a column: w as a matrix (O,
C·KH·KW) times these columns. That is how most libraries do it, as nothing is as fast as a
matrix product. Numbers that lie in several windows are written several times.
"""

import numpy as np


def im2col(x, kernel, stride=1, padding=0):
    """Write the windows of x (N, C, H, W) as columns.

    `kernel` is (KH, KW); `stride` and `padding` are ints. Return (N, C·KH·KW, OH·OW) in the dtype
    of x: in a column, c changes slowest, then the row, then the column within the window; columns
    stand in the order of the windows, row by row.

    >>> im2col(np.arange(4.0).reshape(1, 1, 1, 4), (1, 2))[0]
    array([[0., 1., 2.],
           [1., 2., 3.]])
    """
    # your turn
    n, c = x.shape[:2]
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride]  # (N, C, OH, OW, KH, KW)
    places = windows.shape[2] * windows.shape[3]
    columns = windows.transpose(0, 1, 4, 5, 2, 3)  # (N, C, KH, KW, OH, OW)
    return columns.reshape(n, c * kernel[0] * kernel[1], places)
    # end of your turn


# hint: Begin as in the exercise before: pad, sliding_window_view, every stride-th window.
# hint: You have the axes (n, c, i, j, p, q); wanted is (n, c, p, q, i, j). `transpose` orders
#     axes.
# hint: Then reshape to (N, C·KH·KW, OH·OW). Write the lengths out: −1 fails on an empty batch.
