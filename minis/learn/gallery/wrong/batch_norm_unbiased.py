"""Takes np.var with ddof=1 to normalise, too; the batch is normalised with ÷ m."""

import numpy as np

CAUSE = "normalises_with_the_unbiased_variance"


def batch_norm(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    channels = np.moveaxis(x, 1, 0).reshape(x.shape[1], x[:, :1].size)
    mean, var = running_mean.copy(), running_var.copy()
    new_mean, new_var = mean.copy(), var.copy()
    if training and x.size:
        mean = channels.mean(axis=1)
        var = channels.var(axis=1, ddof=1)
        new_mean += momentum * (mean - new_mean)
        new_var += momentum * (var - new_var)
    inv_std = (var + eps) ** -0.5
    scale, shift = gamma * inv_std, beta - gamma * mean * inv_std
    y = np.swapaxes(np.swapaxes(x, 1, -1) * scale + shift, 1, -1)
    if x.ndim == 2:
        y = x * scale + shift
    return np.ascontiguousarray(y), mean, inv_std, new_mean, new_var
