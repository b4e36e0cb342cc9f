"""Has read another framework's manual: momentum is what the old statistics keep."""

import numpy as np

CAUSE = "gives_the_momentum_to_the_old"


def batch_norm(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    shape = [1] * x.ndim
    shape[1] = -1
    axes = tuple(a for a in range(x.ndim) if a != 1)
    m = x.size / x.shape[1]
    if training and m:
        mean, var = x.mean(axes), x.var(axes)
        new_mean = momentum * running_mean + (1 - momentum) * mean
        new_var = momentum * running_var + (1 - momentum) * var * m / (m - 1)
    else:
        mean, var = running_mean.copy(), running_var.copy()
        new_mean, new_var = running_mean.copy(), running_var.copy()
    inv_std = 1 / np.sqrt(var + eps)
    y = (x - mean.reshape(shape)) * (gamma * inv_std).reshape(shape) + beta.reshape(shape)
    return y, mean, inv_std, new_mean, new_var
