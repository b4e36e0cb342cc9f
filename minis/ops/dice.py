"""Dice loss: one minus the overlap of a predicted and a true region.

    D = (2·Σ p·g + smooth) / (Σ p² + Σ g² + smooth)            loss = 1 − mean D

p are probabilities and g the truth, both summed over the pixels of one class in one sample. A
class that covers few pixels weighs as much as one that covers many. With I = Σ p·g and
U = Σ p² + Σ g² + smooth, the quotient rule gives

    ∂D/∂p = 2·(g·U − (2·I + smooth)·p) / U²

Dice losses differ from one publication to the next. `squared=True` is V-Net's (Milletari et al.
2016, section 3); `squared=False` has Σ p + Σ g below instead, as in most U-Net code. The sums run
over each sample, or with `over_batch` over the whole batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import check_float, check_number, check_same_shape, shape_text


@accelerated
def dice_loss(
    probabilities: Any,
    target: Any,
    *,
    squared: bool = True,
    over_batch: bool = False,
    smooth: float = 0.0,
) -> Any:
    """One minus the mean Dice coefficient over samples and classes.

    Parameters
    ----------
    probabilities : (N, K, *S) float array
        Predicted probability of each class.
    target : (N, K, *S) float array
        The truth, 0 or 1 (one-hot) or soft.
    squared : bool
        Whether the denominator sums squares.
    over_batch : bool
        Whether to sum over all samples, giving one coefficient per class.
    smooth : float
        Added above and below.

    Returns
    -------
    () array of the dtype of `probabilities`
        Where truth and prediction are both empty and `smooth` is 0, D counts as 1. NaN for an
        empty batch.

    Raises
    ------
    TypeError
        If an array is not floating, or dtypes differ.
    ValueError
        If shapes differ or have fewer than three axes, or `smooth` is negative.

    Examples
    --------
    >>> dice_loss(np.array([[[0.5, 0.5]]]), np.array([[[1.0, 0.0]]])).round(3)
    np.float64(0.333)
    """
    numerator, denominator = _sums("dice_loss", probabilities, target, squared, over_batch, smooth)
    xp = array_namespace(probabilities)
    dice = xp.where(denominator != 0, numerator / xp.where(denominator != 0, denominator, 1), 1)
    return 1 - dice.mean() if probabilities.size else probabilities.dtype.type(np.nan)


@accelerated
def dice_loss_backward(
    dloss: Any,
    probabilities: Any,
    target: Any,
    *,
    squared: bool = True,
    over_batch: bool = False,
    smooth: float = 0.0,
) -> Any:
    """Gradient of `dice_loss` with respect to the probabilities.

    Parameters
    ----------
    dloss : float or () array
        Gradient with respect to the loss.
    probabilities, target, squared, over_batch, smooth
        As given to `dice_loss`.

    Returns
    -------
    (N, K, *S) array of the dtype of `probabilities`
        0 where truth and prediction are both empty and `smooth` is 0.

    Raises
    ------
    TypeError, ValueError
        As `dice_loss`.

    Examples
    --------
    >>> p, g = np.array([[[0.5, 0.5]]]), np.array([[[1.0, 0.0]]])
    >>> dice_loss_backward(1.0, p, g).round(3)
    array([[[-0.889,  0.444]]])
    """
    p, g = probabilities, target
    numerator, denominator = _sums("dice_loss_backward", p, g, squared, over_batch, smooth)
    xp = array_namespace(p)
    count = max(1, numerator.shape[0] * numerator.shape[1])
    safe = xp.where(denominator != 0, denominator, 1)
    ddenominator = 2 * p if squared else xp.ones_like(p)
    ddice = xp.where(denominator != 0, (2 * g * safe - numerator * ddenominator) / safe**2, 0)
    return -float(dloss) / count * ddice


def _sums(
    operation: str, p: Any, g: Any, squared: bool, over_batch: bool, smooth: float
) -> tuple[Any, Any]:
    """Return D's numerator and denominator: (N, K, 1, …), or (1, K, 1, …) over the batch."""
    check_float(operation, probabilities=p, target=g)
    check_same_shape(operation, probabilities=p, target=g)
    smooth = check_number(operation, "smooth", smooth, low=0)
    if p.ndim < 3:
        raise ValueError(
            f"{operation}: probabilities must have shape (N, K, *S), got {shape_text(p.shape)}"
        )
    axes = (*((0,) if over_batch else ()), *range(2, p.ndim))
    numerator = 2 * (p * g).sum(axis=axes, keepdims=True) + smooth
    denominator = (p * p + g * g if squared else p + g).sum(axis=axes, keepdims=True) + smooth
    return numerator, denominator
