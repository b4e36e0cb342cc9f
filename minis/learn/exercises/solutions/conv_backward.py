"""The three gradients of a convolution.

y = conv(x, w) + b, and dy, the gradient of some loss with respect to y, is given. Wanted are
its gradients with respect to x, w and b. Every index of the forward's formula

    y[n, o, i, j] = b[o] + Σ over (c, p, q) of  w[o, c, p, q] · x[n, c, i·stride + p, j·stride + q]

stays as it is; only what is summed over changes. Where x[n, c, r, s] was multiplied by w[o, c,
p, q] for y[n, o, i, j], dx[n, c, r, s] gets w[o, c, p, q] · dy[n, o, i, j].
"""

import numpy as np


def conv_backward(dy, x, w, *, stride=1, padding=0):
    """Return dx, dw, db, of the shapes of x (N, C, H, W), w (O, C, KH, KW) and b (O,).

    dy is (N, O, OH, OW); `stride` and `padding` are ints.
    """
    # your turn
    (kh, kw), (oh, ow) = w.shape[2:], dy.shape[2:]
    h, v = x.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for p in range(kh):
        for q in range(kw):
            rows = slice(p, p + oh * stride, stride)
            cols = slice(q, q + ow * stride, stride)
            dw[:, :, p, q] = np.einsum("noij,ncij->oc", dy, padded[:, :, rows, cols])
            dpadded[:, :, rows, cols] += np.einsum("noij,oc->ncij", dy, w[:, :, p, q])
    dx = dpadded[:, :, padding : padding + h, padding : padding + v]
    return dx.copy(), dw, dy.sum(axis=(0, 2, 3))
    # end of your turn


# hint: db: b[o] is added to every y[n, o, i, j]. So db[o] is the sum of dy over n, i and j.
# hint: dw[o, c, p, q] is the sum over n, i, j of dy[n, o, i, j] · padded x[n, c, i·stride + p,
#     …]: for one tap (p, q), an einsum of dy with a slice of padded x.
# hint: dx: for one tap, einsum("noij,oc->ncij", dy, w[:, :, p, q]) is what all windows send
#     back. Add it (+=) to zeros of the padded size, at the slice of that tap, as in col2im.
