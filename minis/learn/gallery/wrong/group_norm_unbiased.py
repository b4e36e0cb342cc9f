"""Divides the squares by one less than their number, as a statistics course teaches."""

import numpy as np

CAUSE = "divides_by_one_value_less"


def group_norm(x, gamma, beta, groups, *, eps=1e-5):
    n, c = x.shape[:2]
    length = int(np.prod(x.shape[1:])) // groups
    rows = x.reshape(n, groups, length)
    mean = rows.sum(axis=2) / length
    away = rows - mean[:, :, None]
    var = (away * away).sum(axis=2) / max(length - 1, 1)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (away * inv_std[:, :, None]).reshape(n, c, length * groups // c)
    y = (x_hat * gamma[:, None] + beta[:, None]).reshape(x.shape)
    return y, mean.astype(x.dtype), inv_std.astype(x.dtype)
