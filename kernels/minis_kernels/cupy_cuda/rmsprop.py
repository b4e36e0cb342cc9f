"""RMSprop on the GPU, by `sources/optimiser.cu`."""

from __future__ import annotations

from typing import Any

from ..arguments import numbers
from .parameters import served, take_step


def rmsprop_step(
    data: Any,
    grad: Any,
    square: Any,
    mean: Any = None,
    velocity: Any = None,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
) -> Any:
    """Take one step of `RMSprop`, in place: `minis.training.rmsprop.rmsprop_step`."""
    values = numbers(lr, alpha, eps, momentum, weight_decay)
    if values is None or square is None or not served(data, grad, square, mean, velocity):
        return NotImplemented
    if momentum and velocity is None:
        return NotImplemented
    rate, share, *others = values
    memory = (square, mean, velocity if momentum else None)
    take_step("rmsprop", data, grad, *memory, options=(rate, share, 1 - share, *others))
    return None
