"""Mistakes in batch norm and local response norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from minis import ops

from . import mistake

batch_norm, batch_norm_backward = ops.batch_norm.reference, ops.batch_norm_backward.reference


def _values(x: Any) -> Any:
    return max(2, x.size // x.shape[1])


@mistake("batch_norm")
def keeps_the_biased_variance(
    x: Any, gamma: Any, beta: Any, mean: Any, var: Any, *, training: Any, momentum: Any, eps: Any
) -> Any:
    """The running variance takes ÷ m in place of ÷ (m − 1)."""
    options = {"training": training, "momentum": momentum, "eps": eps}
    *results, new_var = batch_norm(x, gamma, beta, mean, var, **options)
    m = _values(x)
    biased = (new_var - (1 - momentum) * var) * ((m - 1) / m) + (1 - momentum) * var
    return *results, biased.astype(x.dtype) if training and x.size else new_var


@mistake("batch_norm")
def normalises_with_the_unbiased_variance(
    x: Any, gamma: Any, beta: Any, mean: Any, var: Any, *, eps: Any, **options: Any
) -> Any:
    """The batch's variance ÷ (m − 1) in place of ÷ m."""
    results = batch_norm(x, gamma, beta, mean, var, eps=eps, **options)
    if not options["training"] or not x.size:
        return results
    m = _values(x)
    inv_std = ((results[2] ** -2 - eps) * (m / (m - 1)) + eps) ** -0.5
    y = batch_norm(x, gamma, beta, results[1], inv_std**-2, training=False, eps=0)[0]
    return y, results[1], inv_std, *results[3:]


@mistake("batch_norm")
def gives_the_momentum_to_the_old(*args: Any, momentum: Any, **options: Any) -> Any:
    """Momentum weights the old statistics, as in other frameworks."""
    return batch_norm(*args, momentum=1 - momentum, **options)


@mistake("batch_norm")
def adds_eps_to_the_deviation(
    x: Any, gamma: Any, beta: Any, mean: Any, var: Any, *, eps: Any, **options: Any
) -> Any:
    """Eps outside the root."""
    _, mu, inv_std, *new = batch_norm(x, gamma, beta, mean, var, eps=eps, **options)
    deviation = np.sqrt(np.maximum(inv_std**-2 - eps, 0)) + x.dtype.type(eps)
    y = batch_norm(x, gamma, beta, mu, deviation**2, training=False, eps=0)[0]
    return y, mu, 1 / deviation, *new


@mistake("batch_norm")
def evaluates_with_the_batch(x: Any, *args: Any, training: Any, **options: Any) -> Any:
    """The batch's statistics even in evaluation."""
    training = training or x.size // x.shape[1] > 1
    return batch_norm(x, *args, training=training, **options)


@mistake("batch_norm")
def updates_in_place(
    x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, **options: Any
) -> Any:
    """Writes the new running statistics over the old."""
    results = batch_norm(x, gamma, beta, running_mean, running_var, **options)
    running_mean[...], running_var[...] = results[3:]
    return results


@mistake("batch_norm_backward")
def takes_the_statistics_for_constants(*args: Any, training: Any) -> Any:
    """The gradient without its two mean terms."""
    return batch_norm_backward(*args, training=False)


@mistake("batch_norm_backward")
def forgets_that_the_variance_depends_on_x(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, *, training: Any
) -> Any:
    """The gradient without its term along x̂."""
    dx, dgamma, dbeta = batch_norm_backward(dy, x, gamma, mean, inv_std, training=False)
    if training and x.size:
        dx = dx - dx.mean(axis=(0, *range(2, x.ndim)), keepdims=True)
    return dx, dgamma, dbeta


@mistake("batch_norm_backward")
def takes_x_for_normalised(
    dy: Any, x: Any, gamma: Any, mean: Any, inv_std: Any, *, training: Any
) -> Any:
    """Dgamma as Σ dy · x."""
    dx, _, dbeta = batch_norm_backward(dy, x, gamma, mean, inv_std, training=training)
    return dx, (dy * x).sum(axis=(0, *range(2, x.ndim))), dbeta


@mistake("local_response_norm")
def sums_where_it_should_average(x: Any, size: Any, *, alpha: Any, **options: Any) -> Any:
    """Alpha not divided by the size, as in the paper."""
    return ops.local_response_norm.reference(x, size, alpha=alpha * size, **options)


@mistake("local_response_norm")
def reaches_further_ahead(x: Any, size: Any, **options: Any) -> Any:
    """An even neighbourhood's odd channel lies after, not before."""
    flipped = ops.local_response_norm.reference(x[:, ::-1].copy(), size, **options)
    return flipped[:, ::-1].copy()


@mistake("local_response_norm_backward")
def takes_the_divisor_for_constant(dy: Any, x: Any, size: Any, **options: Any) -> Any:
    """The gradient without what each value does to its neighbours' divisor."""
    return ops.local_response_norm_backward.reference(dy, x, size, **options) + _reached(
        dy, x, size, **options
    )


def _reached(
    dy: Any, x: Any, size: Any, *, alpha: Any, beta: Any, k: Any, mirrored: Any = False
) -> Any:
    """Compute the part of the gradient that comes from the neighbours' divisors."""
    from minis.ops.local_response_norm import _lrn_scale, _sum_over_channels

    before, after = size // 2, (size - 1) // 2
    before, after = (before, after) if mirrored else (after, before)
    terms = dy * x * _lrn_scale(x, size, alpha, k) ** (-beta - 1)
    return (2 * alpha * beta / size) * x * _sum_over_channels(terms, before, after)


@mistake("local_response_norm_backward")
def walks_the_same_way_back(dy: Any, x: Any, size: Any, **options: Any) -> Any:
    """Sums over c's own neighbourhood, not over those that contain c."""
    dx = ops.local_response_norm_backward.reference(dy, x, size, **options)
    wrong_way = _reached(dy, x, size, **options, mirrored=True)
    return dx + _reached(dy, x, size, **options) - wrong_way
