"""Plausible mistakes in measured gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..solutions.numerical_gradient import numerical_gradient


def divides_by_one_step(f: Any, x: Any, step: float = 1e-5) -> Any:
    """Divides by the step. From x − step to x + step it is two."""
    return 2 * numerical_gradient(f, x, step)


def measures_forward(f: Any, x: Any, step: float = 1e-5) -> Any:
    """Measures from x to x + step: off by half a step times the curvature. Go both ways."""
    gradient = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        up = x.copy()
        up[at] += step
        gradient[at] = (f(up) - f(x)) / step
    return gradient


def moves_all_numbers(f: Any, x: Any, step: float = 1e-5) -> Any:
    """Moves all numbers at a time: that gives the sum of the slopes, not each of them."""
    return np.full_like(x, (f(x + step) - f(x - step)) / (2 * step))


NUMERICAL_GRADIENT = (divides_by_one_step, measures_forward, moves_all_numbers)
