"""Batch norm whose mean and variance grow value by value (Welford 1962)."""

import numpy as np


def _welford(values):
    mean = squares = 0.0
    for count, value in enumerate(values.tolist(), start=1):
        away = value - mean
        mean += away / count
        squares += away * (value - mean)
    return mean, squares


def batch_norm(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    y = np.empty_like(x)
    mean, inv_std = running_mean.copy(), 1 / np.sqrt(running_var + eps)
    new_mean, new_var = running_mean.copy(), running_var.copy()
    for c in range(x.shape[1]):
        values = x[:, c]
        if training and values.size:
            mu, squares = _welford(values.ravel())
            mean[c], inv_std[c] = mu, 1 / np.sqrt(squares / values.size + eps)
            new_mean[c] += momentum * (mu - new_mean[c])
            new_var[c] += momentum * (squares / (values.size - 1) - new_var[c])
        y[:, c] = (values - mean[c]) * (inv_std[c] * gamma[c]) + beta[c]
    return y, mean, inv_std, new_mean, new_var
