"""One filter over one picture, with loops.

The sum that a convolutional network calls a convolution: lay the filter on the picture,
multiply what lies on each other, add. The filter is not turned round, which makes it a
cross-correlation:

    y[i, j] = Σ over (p, q) of  w[p, q] · x[i + p, j + q]

No padding, steps of one. Use plain loops over numbers: speed comes later.
"""

import numpy as np


def correlate(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Slide w (KH, KW) over x (H, W); return (H − KH + 1, W − KW + 1) in the dtype of x.

    >>> correlate(np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 0.0]]))
    array([[1., 2.]])
    """
    # your turn
    h, v = x.shape
    kh, kw = w.shape
    y = np.zeros((h - kh + 1, v - kw + 1), x.dtype)
    for i in range(y.shape[0]):
        for j in range(y.shape[1]):
            for p in range(kh):
                for q in range(kw):
                    y[i, j] += w[p, q] * x[i + p, j + q]
    return y
    # end of your turn


# hint: The exercise before this one tells how large y is. Make it of zeros, of x's dtype.
# hint: Four loops, one for each letter of the formula: i, j over y; p, q over w.
