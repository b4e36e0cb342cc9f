"""Differentiates x̂ as if mean and variance were constants, in training too."""

import numpy as np

CAUSE = "takes_the_statistics_for_constants"


def batch_norm_backward(dy, x, gamma, mean, inv_std, *, training):
    dx = np.empty_like(x)
    dgamma, dbeta = np.zeros_like(gamma), np.zeros_like(gamma)
    for c in range(x.shape[1]):
        x_hat = (x[:, c] - mean[c]) * inv_std[c]
        dgamma[c] = np.sum(dy[:, c] * x_hat)
        dbeta[c] = np.sum(dy[:, c])
        dx[:, c] = dy[:, c] * gamma[c] * inv_std[c]
    return dx, dgamma, dbeta
