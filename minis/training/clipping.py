"""Gradient clipping: keep one bad batch from throwing the parameters away."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..backend import array_namespace
from ..nn.module import Parameter


def gradient_norm(parameters: Iterable[Parameter]) -> float:
    """Return the Euclidean norm of all gradients together.

        √ Σ g²          over every number of every parameter's gradient

    Squares are summed in float64, so that those of large float32 numbers don't overflow.

    Parameters
    ----------
    parameters : iterable of Parameter
        One that comes twice is counted once.

    Returns
    -------
    float
        0 if there are none; NaN or infinite if a gradient is; infinite beyond 1e154.

    Examples
    --------
    >>> a, b = Parameter(np.zeros(1)), Parameter(np.zeros((1, 1)))
    >>> a.grad[...], b.grad[...] = 3, 4
    >>> gradient_norm([a, b])
    5.0
    """
    total: Any = 0.0  # on the GPU it stays there until the sum is complete
    with np.errstate(over="ignore"):
        for g in _distinct_gradients(parameters):
            xp = array_namespace(g)
            total = total + xp.square(g, dtype=xp.float64).sum()
    return math.sqrt(float(total))


def clip_gradient_norm(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Shorten all gradients by one factor, so that their norm is at most `max_norm`.

        g ← g · min(1, max_norm / (norm + 1e-6))

    The direction stays (Pascanu et al. 2013, section 3.2; the 1e-6 is PyTorch's).

    Parameters
    ----------
    parameters : iterable of Parameter
        Their gradients are changed in place.
    max_norm : float

    Returns
    -------
    float
        The norm before clipping. Where it isn't finite, nothing is changed.

    Raises
    ------
    ValueError
        If `max_norm` is not positive.

    Examples
    --------
    >>> w = Parameter(np.zeros(2))
    >>> w.grad[...] = 3, 4
    >>> clip_gradient_norm([w], 1.0)
    5.0
    >>> w.grad.round(4)
    array([0.6, 0.8])
    """
    _check_positive("clip_gradient_norm", max_norm=max_norm)
    parameters = list(parameters)
    norm = gradient_norm(parameters)
    factor = max_norm / (norm + 1e-6)
    if factor < 1 and math.isfinite(norm):
        for g in _distinct_gradients(parameters):
            g *= factor
    return norm


def clip_gradient_value(parameters: Iterable[Parameter], max_value: float) -> None:
    """Limit every number of every gradient to −max_value … max_value, in place.

    Parameters
    ----------
    parameters : iterable of Parameter
    max_value : float

    Raises
    ------
    ValueError
        If `max_value` is not positive.

    Examples
    --------
    >>> w = Parameter(np.zeros(2))
    >>> w.grad[...] = 3, -0.5
    >>> clip_gradient_value([w], 1.0)
    >>> w.grad
    array([ 1. , -0.5])
    """
    _check_positive("clip_gradient_value", max_value=max_value)
    for g in _distinct_gradients(parameters):
        g[...] = array_namespace(g).clip(g, -max_value, max_value)


def _distinct_gradients(parameters: Iterable[Parameter]) -> list[Any]:
    return [p.grad for p in {id(p): p for p in parameters}.values()]


def _check_positive(function: str, **values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{function}: {name} must be greater than 0, got {value}")
