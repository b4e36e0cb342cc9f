"""Losses for yes or no at every place: binary cross-entropy and focal loss, both from logits.

With p = sigmoid(x) and a truth t, binary cross-entropy is −t·log p − (1 − t)·log(1 − p). Written
with the logit itself it can't overflow, and its gradient is p − t:

    bce(x, t) = max(x, 0) − x·t + log(1 + e^−|x|)

Focal loss (Lin et al. 2017) scales it by (1 − p_t)^gamma, p_t being the probability given to the
truth: what the network already gets right counts little.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .activation import sigmoid
from .checks import check_choice, check_float, check_number, check_same_shape
from .cross_entropy import REDUCTIONS


@accelerated
def bce_with_logits(
    logits: Any, target: Any, *, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Binary cross-entropy of logits.

    Parameters
    ----------
    logits : float array
        Scores, of any shape.
    target : array of the same shape
        The truth, in 0 … 1.
    weight : array of the same shape, optional
        Factor of each element's loss.
    reduction : {"mean", "sum"}
        The mean divides by the number of elements, as PyTorch does, not by the sum of weights.

    Returns
    -------
    () array of the dtype of `logits`
        NaN for the mean of nothing.

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, or dtypes or shapes differ.

    Notes
    -----
    Equal to `torch.nn.functional.binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> bce_with_logits(np.array([0.0, 1000.0]), np.array([1.0, 1.0])).round(4)
    np.float64(0.3466)
    """
    _check("bce_with_logits", reduction, logits=logits, target=target, weight=weight)
    loss = _bce(logits, target)
    return reduce_loss(loss if weight is None else loss * weight, reduction)


@accelerated
def bce_with_logits_backward(
    dloss: Any, logits: Any, target: Any, *, weight: Any = None, reduction: str = "mean"
) -> Any:
    """Gradient of `bce_with_logits` with respect to the logits.

    Parameters
    ----------
    dloss : float or () array
        Gradient with respect to the loss.
    logits, target, weight, reduction
        As given to `bce_with_logits`.

    Returns
    -------
    array of the shape and dtype of `logits`

    Raises
    ------
    TypeError, ValueError
        As `bce_with_logits`.

    Examples
    --------
    >>> bce_with_logits_backward(1.0, np.array([0.0]), np.array([1.0]))
    array([-0.5])
    """
    _check("bce_with_logits_backward", reduction, logits=logits, target=target, weight=weight)
    dx = sigmoid.reference(logits) - target
    if weight is not None:
        dx = dx * weight
    return dx * share_of_loss(dloss, dx, reduction)


@accelerated
def focal_loss(
    logits: Any,
    target: Any,
    *,
    alpha: float = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Any:
    """Binary cross-entropy, scaled down where the prediction is already right.

        alpha_t · (1 − p_t)^gamma · bce

    Parameters
    ----------
    logits : float array
        Scores, of any shape.
    target : array of the same shape
        The truth, 0 or 1.
    alpha : float
        Weight of the ones, 0 … 1; the zeros have 1 − alpha. A negative number means no weights.
    gamma : float
        At least 0.
    reduction : {"mean", "sum"}
        The mean divides by the number of elements; the paper divides the sum by the number of
        positive anchors.

    Returns
    -------
    () array of the dtype of `logits`
        NaN for the mean of nothing.

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, dtypes or shapes differ, a target is neither 0 nor 1, or a
        parameter is out of range.

    Notes
    -----
    Lin et al. 2017, equation 5. Equal to `torchvision.ops.sigmoid_focal_loss`.

    Examples
    --------
    >>> focal_loss(np.array([0.0]), np.array([1.0])).round(4)
    np.float64(0.0433)
    """
    alpha, gamma = _check_focal("focal_loss", logits, target, alpha, gamma, reduction)
    p_t, alpha_t = _focal_terms(logits, target, alpha)
    return reduce_loss(alpha_t * (1 - p_t) ** gamma * _bce(logits, target), reduction)


@accelerated
def focal_loss_backward(
    dloss: Any,
    logits: Any,
    target: Any,
    *,
    alpha: float = 0.25,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Any:
    """Gradient of `focal_loss` with respect to the logits.

        alpha_t · (1 − p_t)^gamma · ((p − t) − gamma · (2t − 1) · p_t · bce)

    Parameters
    ----------
    dloss : float or () array
        Gradient with respect to the loss.
    logits, target, alpha, gamma, reduction
        As given to `focal_loss`.

    Returns
    -------
    array of the shape and dtype of `logits`

    Raises
    ------
    TypeError, ValueError
        As `focal_loss`.

    Examples
    --------
    >>> focal_loss_backward(1.0, np.array([0.0]), np.array([1.0]), gamma=0.0, alpha=-1.0)
    array([-0.5])
    """
    alpha, gamma = _check_focal("focal_loss_backward", logits, target, alpha, gamma, reduction)
    p_t, alpha_t = _focal_terms(logits, target, alpha)
    dbce = sigmoid.reference(logits) - target
    dfactor = gamma * (2 * target - 1) * p_t * _bce(logits, target)
    dx = alpha_t * (1 - p_t) ** gamma * (dbce - dfactor)
    return dx * share_of_loss(dloss, dx, reduction)


def reduce_loss(loss: Any, reduction: str) -> Any:
    """Sum, or take the mean; the mean of nothing is NaN."""
    if reduction == "sum":
        return loss.sum()
    return loss.mean() if loss.size else loss.dtype.type(np.nan)


def share_of_loss(dloss: Any, elements: Any, reduction: str) -> Any:
    """Gradient of `reduce_loss` with respect to each element's loss, as a scalar."""
    count = max(1, elements.size) if reduction == "mean" else 1
    return elements.dtype.type(float(dloss) / count)


def _bce(x: Any, t: Any) -> Any:
    xp = array_namespace(x)
    return xp.maximum(x, 0) - x * t + xp.log1p(xp.exp(-xp.abs(x)))


def _focal_terms(logits: Any, target: Any, alpha: float) -> tuple[Any, Any]:
    """Return p_t and alpha_t of each element."""
    p = sigmoid.reference(logits)
    xp = array_namespace(p)
    p_t = xp.where(target == 1, p, 1 - p)
    alpha_t = xp.where(target == 1, alpha, 1 - alpha).astype(p.dtype) if alpha >= 0 else 1
    return p_t, alpha_t


def _check(operation: str, reduction: str, **arrays: Any) -> None:
    check_float(operation, optional=("weight",), **arrays)
    check_same_shape(operation, **arrays)
    check_choice(operation, "reduction", reduction, REDUCTIONS)


def _check_focal(
    operation: str, logits: Any, target: Any, alpha: float, gamma: float, reduction: str
) -> tuple[float, float]:
    _check(operation, reduction, logits=logits, target=target)
    gamma = check_number(operation, "gamma", gamma, low=0)
    alpha = check_number(operation, "alpha", alpha, high=1)
    bad = (target != 0) & (target != 1)
    if bool(bad.any()):
        raise ValueError(f"{operation}: target must be 0 or 1, got {float(target[bad][0])}")
    return alpha, gamma
