"""Smooth L1 loss: squared for small differences, absolute for large ones.

    |x − t| < beta:  (x − t)² / (2·beta)          else  |x − t| − beta/2

Girshick 2015 (Fast R-CNN, equation 3) with beta = 1; torchvision's detectors use 1/9, detectron2
0, which is plain L1.
"""

from __future__ import annotations

from typing import Any

from ..backend import accelerated, array_namespace
from .binary_loss import reduce_loss, share_of_loss
from .checks import check_choice, check_float, check_number, check_same_shape
from .cross_entropy import REDUCTIONS


@accelerated
def smooth_l1(x: Any, target: Any, *, beta: float = 1.0, reduction: str = "mean") -> Any:
    """Smooth L1 distance of `x` from `target`.

    Parameters
    ----------
    x : float array
        Prediction, of any shape.
    target : array of the same shape
        The truth.
    beta : float
        Where the parabola meets the lines; at least 0.
    reduction : {"mean", "sum"}
        Over all elements.

    Returns
    -------
    () array of the dtype of `x`
        NaN for the mean of nothing.

    Raises
    ------
    TypeError, ValueError
        If an array is not floating, dtypes or shapes differ, or `beta` is negative.

    Notes
    -----
    Equal to `torch.nn.functional.smooth_l1_loss`.

    Examples
    --------
    >>> smooth_l1(np.array([0.5, 3.0]), np.zeros(2), reduction="sum")
    np.float64(2.625)
    """
    beta = _check("smooth_l1", x, target, beta, reduction)
    xp = array_namespace(x)
    distance = xp.abs(x - target)
    if beta == 0:
        return reduce_loss(distance, reduction)
    parabola = distance * distance / (2 * beta)
    return reduce_loss(xp.where(distance < beta, parabola, distance - beta / 2), reduction)


@accelerated
def smooth_l1_backward(
    dloss: Any, x: Any, target: Any, *, beta: float = 1.0, reduction: str = "mean"
) -> Any:
    """Gradient of `smooth_l1` with respect to `x`: (x − t)/beta, cut off at ±1.

    Parameters
    ----------
    dloss : float or () array
        Gradient with respect to the loss.
    x, target, beta, reduction
        As given to `smooth_l1`.

    Returns
    -------
    array of the shape and dtype of `x`
        With beta = 0, the sign; 0 at x = target.

    Raises
    ------
    TypeError, ValueError
        As `smooth_l1`.

    Examples
    --------
    >>> smooth_l1_backward(1.0, np.array([0.5, 3.0]), np.zeros(2), reduction="sum")
    array([0.5, 1. ])
    """
    beta = _check("smooth_l1_backward", x, target, beta, reduction)
    xp = array_namespace(x)
    difference = x - target
    slope = xp.sign(difference) if beta == 0 else xp.clip(difference / beta, -1, 1)
    return slope * share_of_loss(dloss, slope, reduction)


def _check(operation: str, x: Any, target: Any, beta: float, reduction: str) -> float:
    check_float(operation, x=x, target=target)
    check_same_shape(operation, x=x, target=target)
    check_choice(operation, "reduction", reduction, REDUCTIONS)
    return check_number(operation, "beta", beta, low=0)
