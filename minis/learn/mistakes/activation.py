"""Mistakes in activations, softmax, linear layers and dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from minis import ops

from . import mistake


@mistake("relu")
def swallows_nan(x: Any) -> Any:
    """NaN becomes 0."""
    return np.where(x > 0, x, np.zeros_like(x))


@mistake("relu_backward")
def passes_the_gradient_at_zero(dy: Any, y: Any) -> Any:
    """Slope 1 at 0."""
    return np.where(y >= 0, dy, np.zeros_like(dy))


@mistake("prelu_backward")
def has_slope_one_at_zero(dy: Any, x: Any, a: Any) -> Any:
    """Slope 1 at 0 in place of a."""
    dx, da = ops.prelu_backward.reference(dy, x, a)
    return np.where(x == 0, dy, dx), da


@mistake("prelu_backward")
def sums_the_slopes_over_samples_only(dy: Any, x: Any, a: Any) -> Any:
    """The slope's gradient from the first place of each map."""
    first = (slice(None), slice(None), *(slice(0, 1) for _ in x.shape[2:]))
    dx, _ = ops.prelu_backward.reference(dy, x, a)
    return dx, ops.prelu_backward.reference(dy[first], x[first], a)[1]


@mistake("prelu_backward")
def learns_from_positive_values_too(dy: Any, x: Any, a: Any) -> Any:
    """The slope's gradient as Σ dy · x over all x."""
    dx, da = ops.prelu_backward.reference(dy, x, a)
    axes = None if a.size == 1 else (0, *range(2, x.ndim))
    return dx, (dy * x).sum(axis=axes).reshape(da.shape)


@mistake("elu_backward")
def forgets_alpha(dy: Any, y: Any, alpha: Any) -> Any:
    """The slope as y + 1 whatever alpha is."""
    return ops.elu_backward.reference(dy, y, 1.0)


@mistake("elu")
def overflows_where_it_is_not_needed(x: Any, alpha: Any) -> Any:
    """Takes eˣ of large x too, though the result isn't used."""
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


@mistake("sigmoid")
def overflows(x: Any) -> Any:
    """1 / (1 + e⁻ˣ) as it stands in the book."""
    return 1 / (1 + np.exp(-x))


@mistake("sigmoid_backward")
def takes_the_output_for_the_input(dy: Any, y: Any) -> Any:
    """sigmoid′ evaluated at y."""
    s = ops.sigmoid.reference(y)
    return dy * s * (1 - s)


@mistake("softmax")
def runs_over_the_last_axis(x: Any, axis: Any) -> Any:
    """Normalises over the last axis whatever `axis` says."""
    return ops.softmax.reference(x, -1)


@mistake("softmax")
def does_not_subtract_the_largest(x: Any, axis: Any) -> Any:
    """Exponentials of large scores overflow."""
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


@mistake("softmax_backward")
def sees_only_the_diagonal(dy: Any, y: Any, axis: Any) -> Any:
    """y·(1 − y), as if each probability depended on its own score alone."""
    return dy * y * (1 - y)


@mistake("log_softmax")
def takes_the_log_of_softmax(x: Any, axis: Any) -> Any:
    """Probabilities round to 0 before their logarithm is taken."""
    return np.log(ops.softmax.reference(x, axis))


@mistake("log_softmax_backward")
def weighs_each_by_its_own(dy: Any, y: Any, axis: Any) -> Any:
    """Multiplies softmax by dy in place of by the sum of dy."""
    return dy - np.exp(y) * dy


@mistake("linear")
def multiplies_by_the_transpose(x: Any, w: Any, b: Any = None) -> Any:
    """x·W in place of x·Wᵀ where both fit."""
    square = w.shape[0] == w.shape[1]
    return ops.linear.reference(x, w.T.copy() if square else w, b)


@mistake("linear_backward")
def transposes_the_weight_gradient(dy: Any, x: Any, w: Any) -> Any:
    """xᵀ·dy in place of dyᵀ·x where the shape doesn't tell."""
    dx, dw, db = ops.linear_backward.reference(dy, x, w)
    return dx, dw.T.copy() if dw.shape[0] == dw.shape[1] else dw, db


@mistake("linear_backward")
def averages_the_bias_gradient(dy: Any, x: Any, w: Any) -> Any:
    """The bias's gradient as the mean over samples."""
    dx, dw, db = ops.linear_backward.reference(dy, x, w)
    return dx, dw, db / max(1, dy.size // len(w))


@mistake("dropout")
def does_not_rescale(x: Any, p: Any, rng: Any, *, per_channel: Any = False) -> Any:
    """The survivors keep their size."""
    _, mask = ops.dropout.reference(x, p, rng, per_channel=per_channel)
    mask = (mask != 0).astype(x.dtype)
    return x * mask, mask


@mistake("dropout")
def keeps_with_probability_p(x: Any, p: Any, rng: Any, *, per_channel: Any = False) -> Any:
    """Takes p for the probability of survival."""
    shape = (*x.shape[:2], *(1 for _ in x.shape[2:])) if per_channel else x.shape
    kept = rng.random(shape, dtype="float32") < p
    mask = kept.astype(x.dtype) * x.dtype.type(1 / p if p else 0)
    return x * mask, mask


@mistake("dropout")
def keeps_too_many(x: Any, p: Any, rng: Any, *, per_channel: Any = False) -> Any:
    """Rescales rightly but drops half as many as it should."""
    _, mask = ops.dropout.reference(x, p / 2, rng, per_channel=per_channel)
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    mask = np.where(mask != 0, scale, x.dtype.type(0))
    return x * mask, mask


@mistake("dropout")
def drops_values_where_channels_are_asked(
    x: Any, p: Any, rng: Any, *, per_channel: Any = False
) -> Any:
    """Ignores `per_channel`."""
    return ops.dropout.reference(x, p, rng)


@mistake("dropout")
def draws_from_a_seed_of_its_own(x: Any, p: Any, rng: Any, *, per_channel: Any = False) -> Any:
    """The same mask every time."""
    return ops.dropout.reference(x, p, np.random.default_rng(0), per_channel=per_channel)


@mistake("dropout_backward")
def passes_all_survivors_unscaled(dy: Any, mask: Any) -> Any:
    """The gradient without the factor 1/(1 − p)."""
    return dy * (mask != 0)
