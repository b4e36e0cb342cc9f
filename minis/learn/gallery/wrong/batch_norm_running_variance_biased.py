"""Keeps the variance that it normalised with for evaluation."""

import numpy as np

CAUSE = "keeps_the_biased_variance"


def batch_norm(x, gamma, beta, running_mean, running_var, *, training, momentum=0.1, eps=1e-5):
    y = np.empty_like(x)
    mean, var = running_mean.copy(), running_var.copy()
    new_mean, new_var = running_mean.copy(), running_var.copy()
    for c in range(x.shape[1]):
        values = x[:, c]
        if training and values.size:
            mean[c], var[c] = values.mean(), values.var()
            new_mean[c] = (1 - momentum) * running_mean[c] + momentum * mean[c]
            new_var[c] = (1 - momentum) * running_var[c] + momentum * var[c]
        y[:, c] = gamma[c] * (values - mean[c]) / np.sqrt(var[c] + eps) + beta[c]
    return y, mean, 1 / np.sqrt(var + eps), new_mean, new_var
