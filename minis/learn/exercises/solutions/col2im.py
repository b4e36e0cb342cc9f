"""Columns back to a picture: col2im.

The adjoint of im2col. Where im2col wrote a number of x into several columns, col2im adds what
stands there up again. A convolution's gradient with respect to its input is just that: each
window sends its share back, and where windows overlap, shares add.
"""

import numpy as np


def col2im(columns, input_shape, kernel, stride=1, padding=0):
    """Add columns (N, C·KH·KW, OH·OW), ordered as im2col's, into an array of `input_shape`.

    `kernel` is (KH, KW); `stride` and `padding` are ints. Shares that fall on the padding are lost.

    >>> col2im(np.ones((1, 2, 3)), (1, 1, 1, 4), (1, 2))[0, 0]
    array([[1., 2., 2., 1.]])
    """
    # your turn
    n, c, h, v = input_shape
    kh, kw = kernel
    oh = (h + 2 * padding - kh) // stride + 1
    ow = (v + 2 * padding - kw) // stride + 1
    shares = columns.reshape(n, c, kh, kw, oh, ow)
    padded = np.zeros((n, c, h + 2 * padding, v + 2 * padding), columns.dtype)
    for p in range(kh):
        for q in range(kw):
            rows = slice(p, p + oh * stride, stride)
            cols = slice(q, q + ow * stride, stride)
            padded[:, :, rows, cols] += shares[:, :, p, q]
    return padded[:, :, padding : padding + h, padding : padding + v]
    # end of your turn


# hint: Make zeros of the padded size, add everything there, cut the padding off at the end.
# hint: Loop over the taps (p, q) only: KH·KW steps. All windows' shares of one tap fall on
#     different cells, so one slice with a step takes them all.
# hint: Tap (p, q) of window (i, j) lies at (i·stride + p, j·stride + q): rows p, p + stride, …
# hint: `+=`, not `=`: different taps fall on the same cell.
