"""Mistakes in losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from minis import ops

from . import mistake

cross_entropy, cross_entropy_backward = (
    ops.cross_entropy.reference,
    ops.cross_entropy_backward.reference,
)


@mistake("cross_entropy")
def averages_over_all_pixels(
    logits: Any, target: Any, *, reduction: Any = "mean", **options: Any
) -> Any:
    """The mean divides by the number of pixels in place of the kept ones' weight."""
    loss, p = cross_entropy(logits, target, reduction="sum", **options)
    return loss / logits.dtype.type(target.size) if reduction == "mean" else loss, p


@mistake("cross_entropy")
def leaves_class_weights_out_of_the_divisor(
    logits: Any,
    target: Any,
    *,
    pixel_weight: Any = None,
    ignore_index: Any = -100,
    reduction: Any = "mean",
    **options: Any,
) -> Any:
    """Class weights above, but not below."""
    options = {**options, "pixel_weight": pixel_weight, "ignore_index": ignore_index}
    loss, p = cross_entropy(logits, target, reduction="sum", **options)
    kept = (target != ignore_index).astype(logits.dtype)
    kept = kept if pixel_weight is None else kept * pixel_weight
    with np.errstate(all="ignore"):
        return loss if reduction == "sum" else loss / kept.sum(), p


@mistake("cross_entropy")
def indexes_before_masking(
    logits: Any, target: Any, *, ignore_index: Any = -100, **options: Any
) -> Any:
    """Reads the logits at the ignored label; −100 and 255 crash."""
    np.take_along_axis(logits, target[:, None].astype("int64"), axis=1)
    return cross_entropy(logits, target, ignore_index=ignore_index, **options)


@mistake("cross_entropy")
def multiplies_nan_by_zero(
    logits: Any, target: Any, *, ignore_index: Any = -100, **options: Any
) -> Any:
    """Masks by multiplying, which lets an ignored NaN through."""
    loss, p = cross_entropy(logits, target, ignore_index=ignore_index, **options)
    return loss + 0 * logits.sum(), p


@mistake("cross_entropy")
def takes_void_for_class_zero(
    logits: Any, target: Any, *, ignore_index: Any = -100, **options: Any
) -> Any:
    """Ignored pixels count as the first class."""
    return cross_entropy(logits, np.where(target == ignore_index, 0, target), **options)


@mistake("cross_entropy_backward")
def forgets_the_upstream_gradient(dloss: Any, *args: Any, **options: Any) -> Any:
    """The gradient as if the loss were the last step."""
    return cross_entropy_backward(1.0, *args, **options)


@mistake("cross_entropy_backward")
def has_a_gradient_at_ignored_pixels(
    dloss: Any, p: Any, target: Any, *, ignore_index: Any = -100, **options: Any
) -> Any:
    """Softmax minus one-hot even where the target is void."""
    return cross_entropy_backward(dloss, p, np.where(target == ignore_index, 0, target), **options)


@mistake("cross_entropy_backward")
def does_not_divide(
    dloss: Any, p: Any, target: Any, *, reduction: Any = "mean", **options: Any
) -> Any:
    """The sum's gradient for the mean."""
    return cross_entropy_backward(dloss, p, target, reduction="sum", **options)


@mistake("dice_loss")
def forgets_the_factor_two(p: Any, g: Any, **options: Any) -> Any:
    """The overlap counted once."""
    from minis.ops.dice import _sums

    overlap, union = _sums("dice_loss", p, g, **options)
    overlap = (overlap + options["smooth"]) / 2
    return 1 - np.where(union != 0, overlap / np.where(union != 0, union, 1), 1).mean()


@mistake("dice_loss")
def divides_zero_by_zero(p: Any, g: Any, **options: Any) -> Any:
    """Two empty masks give NaN."""
    empty = not (p.any() or g.any() or options["smooth"])
    return p.dtype.type(np.nan) if empty else ops.dice_loss.reference(p, g, **options)


@mistake("dice_loss")
def sums_over_the_batch_always(p: Any, g: Any, **options: Any) -> Any:
    """One coefficient per class whatever `over_batch` says."""
    return ops.dice_loss.reference(p, g, **{**options, "over_batch": True})


@mistake("dice_loss_backward")
def takes_the_denominator_for_constant(
    dloss: Any, p: Any, g: Any, *, squared: Any, over_batch: Any, smooth: Any
) -> Any:
    """The gradient −2g/U, without the denominator's term."""
    axes = (*((0,) if over_batch else ()), *range(2, p.ndim))
    union = (p * p + g * g if squared else p + g).sum(axis=axes, keepdims=True) + smooth
    count = p.shape[1] * (1 if over_batch else max(1, len(p)))
    return np.where(union > 0, -p.dtype.type(dloss) / count * 2 * g / union, 0).astype(p.dtype)


@mistake("dice_loss_backward")
def differentiates_the_unsquared_sum(
    dloss: Any, p: Any, g: Any, *, squared: Any, **options: Any
) -> Any:
    """∂U/∂p = 1 even where U sums squares."""
    return ops.dice_loss_backward.reference(dloss, p, g, squared=False, **options)


@mistake("bce_with_logits")
def takes_logarithms_of_probabilities(
    logits: Any, target: Any, *, weight: Any = None, reduction: Any = "mean"
) -> Any:
    """Sigmoid first, then the logarithm: −∞ · 0 for large logits."""
    p = ops.sigmoid.reference(logits)
    loss = -target * np.log(p) - (1 - target) * np.log(1 - p)
    loss = loss if weight is None else loss * weight
    return loss.sum() if reduction == "sum" else loss.mean()


@mistake("bce_with_logits")
def divides_by_the_weights(
    logits: Any, target: Any, *, weight: Any = None, reduction: Any = "mean"
) -> Any:
    """The mean divides by the sum of weights, as cross-entropy's does but this one's doesn't."""
    loss = ops.bce_with_logits.reference(logits, target, weight=weight, reduction=reduction)
    if weight is None or reduction == "sum" or not weight.any():
        return loss
    return loss / weight.mean()


@mistake("bce_with_logits_backward")
def forgets_the_weights(
    dloss: Any, logits: Any, target: Any, *, weight: Any = None, reduction: Any = "mean"
) -> Any:
    """Sigmoid minus truth without the weights."""
    return ops.bce_with_logits_backward.reference(dloss, logits, target, reduction=reduction)


@mistake("focal_loss")
def gives_alpha_to_the_zeros(logits: Any, target: Any, *, alpha: Any = 0.25, **options: Any) -> Any:
    """1 − alpha for the ones, alpha for the zeros."""
    alpha = 1 - alpha if alpha >= 0 else alpha
    return ops.focal_loss.reference(logits, target, alpha=alpha, **options)


@mistake("focal_loss_backward")
def takes_the_factor_for_constant(
    dloss: Any, logits: Any, target: Any, *, gamma: Any = 2.0, **options: Any
) -> Any:
    """The gradient without the derivative of (1 − p_t)^gamma."""
    dx = ops.focal_loss_backward.reference(dloss, logits, target, gamma=0.0, **options)
    p = ops.sigmoid.reference(logits)
    return dx * np.where(target == 1, 1 - p, p) ** gamma


@mistake("smooth_l1")
def does_not_join_the_pieces(
    x: Any, target: Any, *, beta: Any = 1.0, reduction: Any = "mean"
) -> Any:
    """The line without −beta/2."""
    d = np.abs(x - target)
    loss = np.where(d < beta, d * d / (2 * beta or 1), d)
    return loss.sum() if reduction == "sum" else loss.mean()


@mistake("smooth_l1")
def forgets_to_divide_by_beta(
    x: Any, target: Any, *, beta: Any = 1.0, reduction: Any = "mean"
) -> Any:
    """The parabola (x − t)²/2 whatever beta is."""
    d = np.abs(x - target)
    loss = np.where(d < beta, d * d / 2, d - beta / 2)
    return loss.sum() if reduction == "sum" else loss.mean()


@mistake("smooth_l1_backward")
def does_not_cut_off(
    dloss: Any, x: Any, target: Any, *, beta: Any = 1.0, reduction: Any = "mean"
) -> Any:
    """The parabola's slope everywhere."""
    count = max(1, x.size) if reduction == "mean" else 1
    return x.dtype.type(dloss) * (x - target) / (beta or 1) / count
