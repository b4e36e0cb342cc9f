"""The bias's gradient is the mean of dy over the samples."""

import numpy as np

CAUSE = "averages_the_bias_gradient"


def linear_backward(dy, x, w):
    rows = int(np.prod(dy.shape[:-1]))
    flat_dy, flat_x = dy.reshape(rows, len(w)), x.reshape(rows, w.shape[1])
    dw, db = np.zeros_like(w), np.zeros(len(w), w.dtype)
    for slope, features in zip(flat_dy, flat_x, strict=True):
        dw += np.outer(slope, features)
        db += slope / rows
    return dy @ w, dw, db
