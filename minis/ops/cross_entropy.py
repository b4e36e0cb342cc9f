"""Softmax cross-entropy: minus the log of the probability given to the right class, pixel by pixel.

    loss = Σ weight · (−log softmax(logits)[target]) / Σ weight

where a pixel's weight is class_weight[target] · pixel_weight, each 1 unless given, and 0 where the
target is `ignore_index`. Softmax and logarithm together have a simple gradient,

    dlogits = dloss · weight / Σ weight · (softmax(logits) − onehot(target))

With reduction "sum", nothing is divided by Σ weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import accelerated, array_namespace
from .checks import check_choice, check_float, check_integer, check_shape, shape_text
from .softmax import log_softmax

REDUCTIONS = ("mean", "sum")


@accelerated
def cross_entropy(
    logits: Any,
    target: Any,
    *,
    class_weight: Any = None,
    pixel_weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> tuple[Any, Any]:
    """Softmax over the classes, and the weighted mean of −log of the right class's share.

    Parameters
    ----------
    logits : (N, K, *S) float array
        Scores of K classes.
    target : (N, *S) integer array
        The right class of each pixel, or `ignore_index`.
    class_weight : (K,) float array, optional
        Weight of each class.
    pixel_weight : (N, *S) float array, optional
        Weight of each pixel, such as U-Net's border map.
    ignore_index : int
        Pixels with this label don't count ("void").
    reduction : {"mean", "sum"}
        Whether to divide by the sum of the kept pixels' weights.

    Returns
    -------
    loss : () array of the dtype of `logits`
        NaN for "mean" where no pixel counts, as in PyTorch.
    probabilities : (N, K, *S) array
        The softmax, which `cross_entropy_backward` needs.

    Raises
    ------
    TypeError
        If logits or weights are not floating, or the target is not of an integer dtype.
    ValueError
        If shapes don't fit, or a label is neither in 0 … K − 1 nor `ignore_index`.

    Notes
    -----
    Equal to `torch.nn.functional.cross_entropy`, which has no `pixel_weight`.

    Examples
    --------
    >>> logits = np.array([[[0.0, 9.0], [0.0, 9.0]]])
    >>> loss, probabilities = cross_entropy(logits, np.array([[1, 255]]), ignore_index=255)
    >>> loss.round(4), probabilities[0, :, 0]
    (np.float64(0.6931), array([0.5, 0.5]))
    """
    name = "cross_entropy"
    _check(name, "logits", logits, target, class_weight, pixel_weight, ignore_index, reduction)
    xp = array_namespace(logits)
    log_p = log_softmax.reference(logits)
    weight, classes = _weights(xp, logits, target, class_weight, pixel_weight, ignore_index)
    right = xp.take_along_axis(log_p, classes[:, None], axis=1)[:, 0]  # (N, *S)
    loss = -xp.where(weight != 0, weight * right, 0).sum()  # an ignored NaN stays out
    if reduction == "mean":
        with np.errstate(invalid="ignore", divide="ignore"):
            loss = loss / weight.sum()
    return loss, xp.exp(log_p)


@accelerated
def cross_entropy_backward(
    dloss: Any,
    probabilities: Any,
    target: Any,
    *,
    class_weight: Any = None,
    pixel_weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    """Gradient of `cross_entropy` with respect to the logits.

    Parameters
    ----------
    dloss : float or () array
        Gradient with respect to the loss; 1 where training begins its backward here.
    probabilities : (N, K, *S) float array
        As `cross_entropy` returned them.
    target, class_weight, pixel_weight, ignore_index, reduction
        As given to `cross_entropy`.

    Returns
    -------
    (N, K, *S) array of the dtype of `probabilities`
        0 where no pixel counts.

    Raises
    ------
    TypeError, ValueError
        As `cross_entropy`.

    Examples
    --------
    >>> cross_entropy_backward(1.0, np.array([[[0.5], [0.5]]]), np.array([[1]]))
    array([[[ 0.5],
            [-0.5]]])
    """
    name = "cross_entropy_backward"
    _check(
        name,
        "probabilities",
        probabilities,
        target,
        class_weight,
        pixel_weight,
        ignore_index,
        reduction,
    )
    xp = array_namespace(probabilities)
    p = probabilities
    weight, classes = _weights(xp, p, target, class_weight, pixel_weight, ignore_index)
    onehot = classes[:, None] == xp.arange(p.shape[1]).reshape(1, -1, *(1 for _ in p.shape[2:]))
    total = weight.sum() if reduction == "mean" else 1.0
    scale = float(dloss) * weight / xp.where(total == 0, 1, total).astype(p.dtype)
    scale = scale[:, None]  # (N, 1, *S)
    return xp.where(scale != 0, scale * (p - onehot), 0).astype(p.dtype)


def _weights(
    xp: Any, like: Any, target: Any, class_weight: Any, pixel_weight: Any, ignore_index: int
) -> tuple[Any, Any]:
    """Return each pixel's weight, and its class with 0 in place of `ignore_index`: (N, *S)."""
    kept = target != ignore_index
    classes = xp.where(kept, target, 0)  # before anything is indexed with it
    weight = kept.astype(like.dtype)
    if class_weight is not None:
        weight *= class_weight[classes]
    if pixel_weight is not None:
        weight *= pixel_weight
    return weight, classes


def _check(
    operation: str,
    name: str,
    scores: Any,
    target: Any,
    class_weight: Any,
    pixel_weight: Any,
    ignore_index: int,
    reduction: str,
) -> None:
    weights = {"class_weight": class_weight, "pixel_weight": pixel_weight}
    check_float(operation, optional=tuple(weights), **{name: scores}, **weights)
    check_integer(operation, target=target)
    check_choice(operation, "reduction", reduction, REDUCTIONS)
    if scores.ndim < 2 or scores.shape[1] < 1:
        raise ValueError(
            f"{operation}: {name} must have shape (N, K, *S) with K ≥ 1, got "
            f"{shape_text(scores.shape)}"
        )
    expected = (scores.shape[0], *scores.shape[2:])
    check_shape(operation, expected, target=target, pixel_weight=pixel_weight)
    check_shape(operation, (scores.shape[1],), class_weight=class_weight)
    bad = ((target < 0) | (target >= scores.shape[1])) & (target != ignore_index)
    if bool(bad.any()):
        raise ValueError(
            f"{operation}: target must be in 0 … {scores.shape[1] - 1} or ignore_index="
            f"{ignore_index}, got {int(target[bad][0])}"
        )
