"""Batch normalisation: each channel to mean 0 and variance 1 (Ioffe & Szegedy 2015).

Over the m = N·∏S values of each channel:

    x̂ = (x − mean) · inv_std        inv_std = 1 / √(var + eps)        y = gamma · x̂ + beta

Training takes mean and var from the batch, so both depend on every x, and the gradient has two
terms more than evaluation's dx = gamma · inv_std · dy:

    dx = gamma · inv_std · (dy − mean(dy) − x̂ · mean(dy · x̂))

It removes from dy its mean and its part along x̂, because y does not change when x is shifted, or
scaled by a positive factor (eps aside).
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated, array_namespace
from .checks import check_float, check_number, check_same_shape, check_shape, shape_text


@accelerated
def batch_norm(
    x: Any,
    gamma: Any,
    beta: Any,
    running_mean: Any,
    running_var: Any,
    *,
    training: bool,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> tuple[Any, Any, Any, Any, Any]:
    """Normalise each channel to mean 0 and variance 1, then scale and shift it.

    Parameters
    ----------
    x : (N, C, *S) float array
        Input, with up to three spatial axes.
    gamma, beta : (C,) float array
        Scale and shift.
    running_mean, running_var : (C,) float array
        The statistics that evaluation uses. They are not written to.
    training : bool
        Whether to normalise with the batch's statistics, or with the running ones.
    momentum : float
        Weight of the batch in the new running statistics.
    eps : float
        Added to the variance.

    Returns
    -------
    y : (N, C, *S) array
    mean, inv_std : (C,) arrays
        Those that normalised x; `batch_norm_backward` needs them.
    new_running_mean, new_running_var : (C,) arrays
        In evaluation, copies of those given. The batch is normalised with its biased variance
        (÷ m), the running one takes the unbiased (÷ (m − 1)), as in PyTorch. An empty batch leaves
        both as they are.

    Raises
    ------
    TypeError
        If an array is not floating, or dtypes differ.
    ValueError
        If shapes don't fit, or training gives a channel a single value, whose variance is 0.

    Notes
    -----
    Results are those of `torch.nn.functional.batch_norm`.

    Examples
    --------
    >>> one, zero = np.ones(1), np.zeros(1)
    >>> x = np.array([[[1.0, 3.0]]])
    >>> y, *_, new_var = batch_norm(x, one, zero, zero, one, training=True)
    >>> y.round(3), new_var
    (array([[[-1.,  1.]]]), array([1.1]))
    """
    running = {"running_mean": running_mean, "running_var": running_var}
    check_float("batch_norm", x=x, gamma=gamma, beta=beta, **running)
    _check_channels("batch_norm", x, gamma=gamma, beta=beta, **running)
    eps = check_number("batch_norm", "eps", eps, low=0)
    momentum = check_number("batch_norm", "momentum", momentum, low=0, high=1)
    xp = array_namespace(x)
    m = x.size // max(1, x.shape[1])
    if training and m == 1:
        raise ValueError(
            f"batch_norm: training needs more than one value per channel, got x of shape "
            f"{shape_text(x.shape)}"
        )
    mean, var = running_mean.copy(), running_var
    new_running_mean, new_running_var = running_mean.copy(), running_var.copy()
    if training and m > 0:
        axes = _all_but_channels(x)
        mean = x.mean(axis=axes)
        var = xp.square(x - _per_channel(mean, x)).mean(axis=axes)
        new_running_mean = (1 - momentum) * running_mean + momentum * mean
        new_running_var = (1 - momentum) * running_var + momentum * (var * (m / (m - 1)))
    inv_std = 1 / xp.sqrt(var + eps)
    x_hat = (x - _per_channel(mean, x)) * _per_channel(inv_std, x)
    y = _per_channel(gamma, x) * x_hat + _per_channel(beta, x)
    return y, mean, inv_std, new_running_mean, new_running_var


@accelerated
def batch_norm_backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, *, training: bool
) -> tuple[Any, Any, Any]:
    """Gradients of `batch_norm`.

    Parameters
    ----------
    dy : (N, C, *S) float array
        Gradient of the loss with respect to the output.
    x, gamma, training
        As given to `batch_norm`.
    mean, inv_std : (C,) float array
        As `batch_norm` returned them.

    Returns
    -------
    dx : (N, C, *S) array
    dgamma, dbeta : (C,) arrays

    Raises
    ------
    TypeError, ValueError
        As `batch_norm`, and if `dy` and `x` differ in shape.

    Examples
    --------
    >>> x, one, two = np.array([[[1.0, 3.0]]]), np.ones(1), np.array([2.0])
    >>> dx, dgamma, dbeta = batch_norm_backward(x, x, one, two, one, training=False)
    >>> dx, dgamma, dbeta
    (array([[[1., 3.]]]), array([2.]), array([4.]))
    """
    check_float("batch_norm_backward", dy=dy, x=x, gamma=gamma, mean=mean, inv_std=inv_std)
    check_same_shape("batch_norm_backward", x=x, dy=dy)
    _check_channels("batch_norm_backward", x, gamma=gamma, mean=mean, inv_std=inv_std)
    axes = _all_but_channels(x)
    x_hat = (x - _per_channel(mean, x)) * _per_channel(inv_std, x)
    dbeta = dy.sum(axis=axes)
    dgamma = (dy * x_hat).sum(axis=axes)
    dx = dy
    if training and x.size:
        m = x.size // x.shape[1]
        dx = dy - _per_channel(dbeta / m, x) - x_hat * _per_channel(dgamma / m, x)
    return _per_channel(gamma * inv_std, x) * dx, dgamma, dbeta


def _check_channels(operation: str, x: Any, **arrays: Any) -> None:
    if not 2 <= x.ndim <= 5:
        raise ValueError(f"{operation}: x must have shape (N, C, *S), got {shape_text(x.shape)}")
    check_shape(operation, (x.shape[1],), **arrays)


def _all_but_channels(x: Any) -> tuple[int, ...]:
    return (0, *range(2, x.ndim))


def _per_channel(a: Any, x: Any) -> Any:
    """Shape (C,) values so that they broadcast over x (N, C, *S)."""
    return a.reshape(-1, *(1 for _ in x.shape[2:]))
