"""Reshapes to (channels of a group, groups): channels are dealt to the groups like cards."""

import numpy as np

CAUSE = "groups_channels_that_lie_apart"


def group_norm(x, gamma, beta, groups, *, eps=1e-5):
    n, c, *size = x.shape
    y = np.empty_like(x)
    mean, inv_std = np.empty((n, groups), x.dtype), np.empty((n, groups), x.dtype)
    for i in range(n):
        for g in range(groups):
            members = x[i, g::groups]
            mean[i, g] = members.mean()
            inv_std[i, g] = 1 / np.sqrt(members.var() + eps)
            y[i, g::groups] = (members - mean[i, g]) * inv_std[i, g]
    shape = (c, *[1] * len(size))
    return y * gamma.reshape(shape) + beta.reshape(shape), mean, inv_std
