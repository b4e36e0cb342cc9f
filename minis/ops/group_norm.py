"""Group normalisation: the channels of each sample in groups of mean 0 and variance 1.

Over the m = C/G·∏S values of each sample's group:

    x̂ = (x − mean) · inv_std        inv_std = 1 / √(var + eps)        y = gamma · x̂ + beta

The formula is batch norm's. The values that share a mean are others: none of another sample, so
that a batch of one or two images, all that a detector's memory holds, is as good as a large one,
and training and evaluation do the same. One group of all channels is layer normalisation (without
its scale and shift for each value), a group for each channel is instance normalisation.

Mean and var depend on every x of the group. With g = gamma · dy, the gradient of x̂:

    dx = inv_std · (g − mean(g) − x̂ · mean(g · x̂))

the means taken over the group. gamma stands inside them, since it differs within a group.

Wu & He 2018.
"""

from __future__ import annotations

import math
from typing import Any

from ..backend import accelerated, array_namespace
from .checks import (
    check_float,
    check_int,
    check_number,
    check_same_shape,
    check_shape,
    shape_text,
)


@accelerated
def group_norm(
    x: Any, gamma: Any, beta: Any, groups: int, *, eps: float = 1e-5
) -> tuple[Any, Any, Any]:
    """Normalise each sample's groups of channels, then scale and shift each channel.

    Parameters
    ----------
    x : (N, C, *S) float array
        Input, with up to three spatial axes.
    gamma, beta : (C,) float array
        Scale and shift.
    groups : int
        Number of groups G; neighbouring channels share one.
    eps : float
        Added to the variance.

    Returns
    -------
    y : (N, C, *S) array
    mean, inv_std : (N, G) arrays
        Those that normalised x; `group_norm_backward` needs them.

    Raises
    ------
    TypeError
        If an array is not floating, dtypes differ, or `groups` is no int.
    ValueError
        If shapes don't fit, or `groups` doesn't divide the channels.

    Notes
    -----
    Wu & He 2018. Results are those of `torch.nn.functional.group_norm`, which refuses a batch of a
    single value where this gives beta.

    Examples
    --------
    >>> x = np.array([[[1.0], [3.0], [10.0], [20.0]]])  # four channels of one pixel
    >>> y, mean, _ = group_norm(x, np.ones(4), np.zeros(4), 2)
    >>> y.round(3).ravel(), mean
    (array([-1.,  1., -1.,  1.]), array([[ 2., 15.]]))
    """
    check_float("group_norm", x=x, gamma=gamma, beta=beta)
    _check_groups("group_norm", x, groups, gamma=gamma, beta=beta)
    eps = check_number("group_norm", "eps", eps, low=0)
    xp = array_namespace(x)
    grouped = _grouped(x, groups)  # (N, G, m)
    m = max(1, grouped.shape[2])
    mean = grouped.sum(axis=2) / m  # (N, G)
    var = xp.square(grouped - mean[:, :, None]).sum(axis=2) / m
    inv_std = 1 / xp.sqrt(var + eps)
    x_hat = _normalised(x, mean, inv_std)
    return _per_channel(gamma, x) * x_hat + _per_channel(beta, x), mean, inv_std


@accelerated
def group_norm_backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, groups: int
) -> tuple[Any, Any, Any]:
    """Gradients of `group_norm`.

    Parameters
    ----------
    dy : (N, C, *S) float array
        Gradient of the loss with respect to the output.
    x, gamma, groups
        As given to `group_norm`.
    mean, inv_std : (N, G) float array
        As `group_norm` returned them.

    Returns
    -------
    dx : (N, C, *S) array
    dgamma, dbeta : (C,) arrays

    Raises
    ------
    TypeError, ValueError
        As `group_norm`, and if `dy` and `x` differ in shape.

    Examples
    --------
    >>> x, gamma = np.array([[[-1.0], [1.0]]]), np.ones(2)
    >>> dy, mean, inv_std = np.array([[[5.0], [7.0]]]), np.zeros((1, 1)), np.ones((1, 1))
    >>> dx, dgamma, dbeta = group_norm_backward(dy, x, gamma, mean, inv_std, 1)
    >>> dx.ravel(), dgamma, dbeta  # of two values, one is always -1 and the other 1
    (array([0., 0.]), array([-5.,  7.]), array([5., 7.]))
    """
    name = "group_norm_backward"
    check_float(name, dy=dy, x=x, gamma=gamma, mean=mean, inv_std=inv_std)
    check_same_shape(name, x=x, dy=dy)
    _check_groups(name, x, groups, gamma=gamma)
    check_shape(name, (x.shape[0], groups), mean=mean, inv_std=inv_std)
    x_hat = _normalised(x, mean, inv_std)
    axes = (0, *range(2, x.ndim))
    dbeta = dy.sum(axis=axes)
    dgamma = (dy * x_hat).sum(axis=axes)
    g = _grouped(_per_channel(gamma, x) * dy, groups)  # (N, G, m)
    h = _grouped(x_hat, groups)
    m = max(1, g.shape[2])
    mean_g = g.sum(axis=2, keepdims=True) / m  # (N, G, 1)
    mean_gh = (g * h).sum(axis=2, keepdims=True) / m
    dx = inv_std[:, :, None] * (g - mean_g - h * mean_gh)
    return dx.reshape(x.shape), dgamma, dbeta


def _check_groups(operation: str, x: Any, groups: int, **per_channel: Any) -> None:
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"{operation}: x must have shape (N, C, *S), got {shape_text(x.shape)}")
    check_shape(operation, (x.shape[1],), **per_channel)
    check_int(operation, "groups", groups, low=1)
    if x.shape[1] % groups:
        raise ValueError(
            f"{operation}: groups must divide the {x.shape[1]} channels of x, got {groups}"
        )


def _grouped(a: Any, groups: int) -> Any:
    """Shape (N, C, *S) values as (N, G, m)."""
    n, c, *spatial = a.shape
    return a.reshape(n, groups, c // groups * math.prod(spatial))


def _normalised(x: Any, mean: Any, inv_std: Any) -> Any:
    grouped = _grouped(x, mean.shape[1])
    return ((grouped - mean[:, :, None]) * inv_std[:, :, None]).reshape(x.shape)


def _per_channel(a: Any, x: Any) -> Any:
    """Shape (C,) values so that they broadcast over x (N, C, *S)."""
    return a.reshape(-1, *(1 for _ in x.shape[2:]))
