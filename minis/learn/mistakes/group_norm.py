"""Mistakes in group norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from minis import ops

from . import mistake

group_norm, group_norm_backward = ops.group_norm.reference, ops.group_norm_backward.reference


def _regrouped(a: Any, groups: Any) -> Any:
    """Order channels so that those `groups` apart become neighbours."""
    order = np.arange(a.shape[1]).reshape(-1, groups).T.ravel()
    return a[:, order], order


@mistake("group_norm")
def groups_channels_that_lie_apart(x: Any, gamma: Any, beta: Any, groups: Any, *, eps: Any) -> Any:
    """Channel c goes to group c mod G, not to its neighbours' group."""
    moved, order = _regrouped(x, groups)
    y, mean, inv_std = group_norm(moved, gamma[order], beta[order], groups, eps=eps)
    back = np.empty_like(y)
    back[:, order] = y
    return back, mean, inv_std


@mistake("group_norm")
def takes_groups_for_their_size(x: Any, gamma: Any, beta: Any, groups: Any, *, eps: Any) -> Any:
    """As many channels in a group as there should be groups."""
    y, *_ = group_norm(x, gamma, beta, max(1, x.shape[1] // groups), eps=eps)
    return y, *group_norm(x, gamma, beta, groups, eps=eps)[1:]


@mistake("group_norm")
def shares_statistics_over_the_batch(
    x: Any, gamma: Any, beta: Any, groups: Any, *, eps: Any
) -> Any:
    """A group's mean and variance over all samples, as batch norm's."""
    shape = x.shape
    n, c = shape[:2]
    columns = x.reshape(n, groups, -1).swapaxes(0, 1).reshape(1, groups, -1)
    one, zero = np.ones(groups, x.dtype), np.zeros(groups, x.dtype)
    x_hat, mean, inv_std = group_norm(columns, one, zero, groups, eps=eps)
    x_hat = x_hat.reshape(groups, n, -1).swapaxes(0, 1).reshape(shape)
    rest = (1,) * (x.ndim - 2)
    y = gamma.reshape(c, *rest) * x_hat + beta.reshape(c, *rest)
    return y, np.repeat(mean, n, axis=0), np.repeat(inv_std, n, axis=0)


@mistake("group_norm")
def divides_by_one_value_less(x: Any, gamma: Any, beta: Any, groups: Any, *, eps: Any) -> Any:
    """The unbiased variance, ÷ (m − 1), in place of ÷ m."""
    _, mean, inv_std = group_norm(x, gamma, beta, groups, eps=eps)
    m = max(2, x[:1].size // groups)
    unbiased = (((inv_std**-2 - eps) * (m / (m - 1)) + eps) ** -0.5).astype(x.dtype)
    n, c = x.shape[:2]
    rest = (1,) * (x.ndim - 2)
    mu, scale = (np.repeat(a, c // groups, axis=1).reshape(n, c, *rest) for a in (mean, unbiased))
    y = gamma.reshape(c, *rest) * ((x - mu) * scale) + beta.reshape(c, *rest)
    return y, mean, unbiased


@mistake("group_norm_backward")
def takes_gamma_out_of_the_means(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, groups: Any
) -> Any:
    """Gamma times the gradient of x̂, as in batch norm, though it differs within a group."""
    one = np.ones_like(gamma)
    dx, dgamma, dbeta = group_norm_backward(dy, x, one, mean, inv_std, groups)
    return gamma.reshape(-1, *(1 for _ in x.shape[2:])) * dx, dgamma, dbeta


@mistake("group_norm_backward")
def takes_the_statistics_for_constants(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, groups: Any
) -> Any:
    """The gradient without its two mean terms."""
    _, dgamma, dbeta = group_norm_backward(dy, x, gamma, mean, inv_std, groups)
    n, c = x.shape[:2]
    rest = (1,) * (x.ndim - 2)
    scale = np.repeat(inv_std, c // groups, axis=1).reshape(n, c, *rest)
    return gamma.reshape(c, *rest) * scale * dy, dgamma, dbeta


@mistake("group_norm_backward")
def averages_over_each_channel(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, groups: Any
) -> Any:
    """The means of dy and dy · x̂ over a channel, not over the group."""
    _, dgamma, dbeta = group_norm_backward(dy, x, gamma, mean, inv_std, groups)
    c = x.shape[1]
    each = [np.repeat(a, c // groups, axis=1) for a in (mean, inv_std)]
    return group_norm_backward(dy, x, gamma, *each, c)[0], dgamma, dbeta
