"""Mistakes in activations, softmax, linear layers and dropout."""

import numpy as np

from minis import ops

from . import wrong


@wrong("relu")
def swallows_nan(x):
    """NaN becomes 0."""
    return np.where(x > 0, x, np.zeros_like(x))


@wrong("relu_backward")
def passes_the_gradient_at_zero(dy, y):
    """Slope 1 at 0."""
    return np.where(y >= 0, dy, np.zeros_like(dy))


@wrong("prelu_backward")
def has_slope_one_at_zero(dy, x, a):
    """Slope 1 at 0 in place of a."""
    dx, da = ops.prelu_backward.reference(dy, x, a)
    return np.where(x == 0, dy, dx), da


@wrong("prelu_backward")
def sums_the_slopes_over_samples_only(dy, x, a):
    """The slope's gradient from the first place of each map."""
    first = (slice(None), slice(None), *(slice(0, 1) for _ in x.shape[2:]))
    dx, _ = ops.prelu_backward.reference(dy, x, a)
    return dx, ops.prelu_backward.reference(dy[first], x[first], a)[1]


@wrong("prelu_backward")
def learns_from_positive_values_too(dy, x, a):
    """The slope's gradient as Σ dy · x over all x."""
    dx, da = ops.prelu_backward.reference(dy, x, a)
    axes = None if a.size == 1 else (0, *range(2, x.ndim))
    return dx, (dy * x).sum(axis=axes).reshape(da.shape)


@wrong("elu_backward")
def forgets_alpha(dy, y, alpha):
    """The slope as y + 1 whatever alpha is."""
    return ops.elu_backward.reference(dy, y, 1.0)


@wrong("elu")
def overflows_where_it_is_not_needed(x, alpha):
    """Takes eˣ of large x too, though the result isn't used."""
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


@wrong("sigmoid")
def overflows(x):
    """1 / (1 + e⁻ˣ) as it stands in the book."""
    return 1 / (1 + np.exp(-x))


@wrong("sigmoid_backward")
def takes_the_output_for_the_input(dy, y):
    """sigmoid′ evaluated at y."""
    s = ops.sigmoid.reference(y)
    return dy * s * (1 - s)


@wrong("softmax")
def runs_over_the_last_axis(x, axis):
    """Normalises over the last axis whatever `axis` says."""
    return ops.softmax.reference(x, -1)


@wrong("softmax")
def does_not_subtract_the_largest(x, axis):
    """Exponentials of large scores overflow."""
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


@wrong("softmax_backward")
def sees_only_the_diagonal(dy, y, axis):
    """y·(1 − y), as if each probability depended on its own score alone."""
    return dy * y * (1 - y)


@wrong("log_softmax")
def takes_the_log_of_softmax(x, axis):
    """Probabilities round to 0 before their logarithm is taken."""
    return np.log(ops.softmax.reference(x, axis))


@wrong("log_softmax_backward")
def weighs_each_by_its_own(dy, y, axis):
    """Multiplies softmax by dy in place of by the sum of dy."""
    return dy - np.exp(y) * dy


@wrong("linear")
def multiplies_by_the_transpose(x, w, b=None):
    """x·W in place of x·Wᵀ where both fit."""
    square = w.shape[0] == w.shape[1]
    return ops.linear.reference(x, w.T.copy() if square else w, b)


@wrong("linear_backward")
def transposes_the_weight_gradient(dy, x, w):
    """xᵀ·dy in place of dyᵀ·x where the shape doesn't tell."""
    dx, dw, db = ops.linear_backward.reference(dy, x, w)
    return dx, dw.T.copy() if dw.shape[0] == dw.shape[1] else dw, db


@wrong("linear_backward")
def averages_the_bias_gradient(dy, x, w):
    """The bias's gradient as the mean over samples."""
    dx, dw, db = ops.linear_backward.reference(dy, x, w)
    return dx, dw, db / max(1, dy.size // len(w))


@wrong("dropout")
def does_not_rescale(x, p, rng, *, per_channel=False):
    """The survivors keep their size."""
    _, mask = ops.dropout.reference(x, p, rng, per_channel=per_channel)
    mask = (mask != 0).astype(x.dtype)
    return x * mask, mask


@wrong("dropout")
def keeps_with_probability_p(x, p, rng, *, per_channel=False):
    """Takes p for the probability of survival."""
    return ops.dropout.reference(x, 1 - p, rng, per_channel=per_channel)


@wrong("dropout")
def keeps_too_many(x, p, rng, *, per_channel=False):
    """Rescales rightly but drops half as many as it should."""
    _, mask = ops.dropout.reference(x, p / 2, rng, per_channel=per_channel)
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    mask = np.where(mask != 0, scale, x.dtype.type(0))
    return x * mask, mask


@wrong("dropout")
def drops_values_where_channels_are_asked(x, p, rng, *, per_channel=False):
    """Ignores `per_channel`."""
    return ops.dropout.reference(x, p, rng)


@wrong("dropout")
def draws_from_a_seed_of_its_own(x, p, rng, *, per_channel=False):
    """The same mask every time."""
    return ops.dropout.reference(x, p, np.random.default_rng(0), per_channel=per_channel)


@wrong("dropout_backward")
def passes_all_survivors_unscaled(dy, mask):
    """The gradient without the factor 1/(1 − p)."""
    return dy * (mask != 0)
