"""Updates the running statistics with +=, in the arrays that it was given."""

import numpy as np

KIND = "changed an input"


def batch_norm(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    shape = (-1, *[1] * (x.ndim - 2))
    mean, var = running_mean.copy(), running_var.copy()
    if training and x.size:
        axes = (0, *range(2, x.ndim))
        mean, var = x.mean(axis=axes), x.var(axis=axes)
        running_mean += momentum * (mean - running_mean)
        running_var += momentum * (x.var(axis=axes, ddof=1) - running_var)
    inv_std = 1 / np.sqrt(var + eps)
    y = gamma.reshape(shape) * (x - mean.reshape(shape)) * inv_std.reshape(shape)
    y = y + beta.reshape(shape)
    return y, mean, inv_std, running_mean.copy(), running_var.copy()
