"""Transposed convolution: stamping.

A convolution gathers: an output is a sum over a window. Its transpose scatters: every input
stamps the filter, multiplied by itself, onto the output, `stride` cells further for each;
overlapping stamps add. It is what a convolution's backward does to dy, here used forward to
make maps larger.

    y[n, o, i·stride + p − padding, j·stride + q − padding] += x[n, c, i, j] · w[c, o, p, q]
"""

import numpy as np


def conv_transpose(x, w, b=None, *, stride=1, padding=0):
    """Stamp w (C, O, KH, KW) for every number of x (N, C, H, W), and add b (O,) if there is one.

    `padding` cells are cut off on each side: y is (N, O, (H − 1)·stride + KH − 2·padding, …).

    >>> conv_transpose(np.array([[[[1.0, 2.0]]]]), np.ones((1, 1, 1, 3)), stride=2)[0, 0]
    array([[1., 1., 3., 2., 2.]])
    """
    # your turn
    n, _, h, v = x.shape
    _, o, kh, kw = w.shape
    full = np.zeros((n, o, (h - 1) * stride + kh, (v - 1) * stride + kw), x.dtype)
    for p in range(kh):
        for q in range(kw):
            rows = slice(p, p + h * stride, stride)
            columns = slice(q, q + v * stride, stride)
            full[:, :, rows, columns] += np.einsum("ncij,co->noij", x, w[:, :, p, q])
    y = full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
    return y.copy() if b is None else y + b[:, None, None]
    # end of your turn


# hint: Make zeros of the size before cutting, (H − 1)·stride + KH, and stamp there.
# hint: Loop over the taps (p, q): tap (p, q) of all stamps lies at rows p, p + stride, …, H of
#     them.
# hint: Cutting with [padding:-padding] fails for padding 0. Write the end out.
