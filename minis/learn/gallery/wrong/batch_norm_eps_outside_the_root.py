"""Adds eps to the standard deviation in place of to the variance."""

import numpy as np

CAUSE = "adds_eps_to_the_deviation"


def batch_norm(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    last = np.moveaxis(x, 1, -1)
    axes = tuple(range(x.ndim - 1))
    if training and x.size:
        m = x.size // x.shape[1]
        mean = last.mean(axis=axes)
        var = (last**2).mean(axis=axes) - mean**2
        var = np.maximum(var, 0)
        new_mean = running_mean * (1 - momentum) + mean * momentum
        new_var = running_var * (1 - momentum) + var * (momentum * m / (m - 1))
    else:
        mean, var = running_mean.copy(), running_var
        new_mean, new_var = running_mean.copy(), running_var.copy()
    inv_std = 1 / (np.sqrt(var) + eps)
    y = (last - mean) * inv_std * gamma + beta
    return np.moveaxis(y, -1, 1).copy(), mean, inv_std, new_mean, new_var
