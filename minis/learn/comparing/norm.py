"""What a norm that diverges does otherwise: its eps, its momentum, its statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backend import use
from ...observer import unobserved
from .step import Step, difference


def norm_explained(step: Step, theirs: Any, tolerance: float) -> list[str]:
    """Return in what their batch norm or group norm differs, if one thing explains it.

    Parameters
    ----------
    step : Step
        One of ours, with its call.
    theirs : array
        Their result, of the same input.
    tolerance : float
        See `difference`.

    Examples
    --------
    >>> from minis import ops
    >>> x = np.array([[[1.0, 2.0, 4.0]]])
    >>> args = x, np.ones(1), np.zeros(1), np.zeros(1), np.ones(1)
    >>> y = ops.batch_norm(*args, training=True)[0]
    >>> call = ops.batch_norm.reference, args, {"training": True, "eps": 1e-5}
    >>> other = ops.batch_norm(*args, training=True, eps=1e-3)[0]
    >>> norm_explained(Step("a", "batch_norm", x, y, call=call), other, 1e-9)
    ['theirs has another eps, 0.001; ours is 1e-05']
    """
    if step.call is None or step.kind not in ("batch_norm", "group_norm"):
        return []
    function, args, options = step.call
    x, gamma, beta = args[:3]
    eps = options.get("eps", 1e-5)
    batch = step.kind == "batch_norm"

    def equal(args: tuple[Any, ...], changed: dict[str, Any], slack: float = 1.0) -> bool:
        with unobserved(), use("numpy"):
            y = function(*args, **{**options, **changed})[0]
        return difference(y, theirs) <= slack * tolerance

    if batch:
        training = options["training"]
        mode = "the running statistics, as in eval()" if training else "the batch's, as in train()"
        if equal(args, {"training": not training}):
            return [f"the wrong mode: theirs normalises with {mode}; ours doesn't"]
    ones, zeros = np.ones_like(gamma), np.zeros_like(beta)
    for told, one, other in (
        ("theirs has neither gamma nor beta", ones, zeros),
        ("theirs has no gamma", ones, beta),
        ("theirs has no beta", gamma, zeros),
    ):
        if (np.any(one != gamma) or np.any(other != beta)) and equal(
            (x, one, other, *args[3:]), {}
        ):
            return [told]
    n = x.size // x.shape[1] if batch else x[0].size // args[3]
    if n > 1 and (not batch or options["training"]):
        less = float(np.sqrt((n - 1) / n))
        if equal((x, gamma * less, beta, *args[3:]), {"eps": eps * less**2}):
            return ["theirs divides by n − 1 in the variance, ours by n"]
    if not batch:
        for groups in (g for g in range(1, x.shape[1] + 1) if x.shape[1] % g == 0):
            if groups != args[3] and equal((x, gamma, beta, groups), {}):
                return [f"theirs has {groups} groups, ours {args[3]}"]
        guesses = [1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 0.0]
    else:
        guesses = [1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 0.0, *_eps_of(step, theirs)]
    for guess in guesses:
        if guess != eps and equal(args, {"eps": guess}, slack=10):
            return [f"theirs has another eps, {guess:.3g}; ours is {eps:g}"]
    return []


def _eps_of(step: Step, theirs: Any) -> list[float]:
    """Solve for the eps that gives each channel's spread; the median of all channels.

    y's spread is x's, times gamma, divided by √(variance + eps).
    """
    assert step.call is not None
    _, (x, gamma, _, _, running_var, *_), options = step.call
    axes = (0, *range(2, x.ndim))
    variance = x.var(axis=axes)
    spread = theirs.var(axis=axes)
    known = (spread > 0) & (gamma != 0)
    if theirs.shape != x.shape or not known.any():
        return []
    divisor = gamma[known] ** 2 * variance[known] / spread[known]
    of = variance if options["training"] else running_var
    return [max(0.0, float(np.median(divisor - of[known])))]


def momentum_of(before: Any, ours: Any, theirs: Any, momentum: float, tolerance: float) -> str:
    """Say what moved running statistics otherwise than ours: new = old + momentum · (batch − old).

    Parameters
    ----------
    before, ours, theirs : (C,) arrays
        The statistics before the batch, which both had, and after it.
    momentum : float
        Ours.
    tolerance : float
        See `difference`.

    Examples
    --------
    >>> old, batch = np.zeros(3), np.array([1.0, 2.0, 3.0])
    >>> momentum_of(old, old + 0.1 * batch, old + 0.01 * batch, 0.1, 1e-9)
    'another momentum: theirs is 0.01, ours 0.1'
    """
    ours_step, their_step = ours - before, theirs - before
    if not np.any(their_step):
        return "theirs don't move: eval(), momentum 0, or statistics of no running kind"
    if not np.any(ours_step):
        return "theirs move, ours don't: train() and eval()"
    factor = float((ours_step * their_step).sum() / (ours_step * ours_step).sum())
    if difference(factor * ours_step, their_step) <= tolerance:
        other = factor * momentum
        swapped = " (the weight of what was, not of what is new?)"
        return (
            f"another momentum: theirs is {other:.6g}, ours {momentum:g}"
            f"{swapped if abs(other + momentum - 1) < 1e-6 else ''}"
        )
    return "theirs move otherwise: other statistics (n in place of n − 1 in the variance?)"
