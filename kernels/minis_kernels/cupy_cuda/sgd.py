"""Stochastic gradient descent on the GPU, by `sources/optimiser.cu`."""

from __future__ import annotations

from typing import Any

from ..arguments import numbers
from .parameters import served, take_step


def sgd_step(
    data: Any,
    grad: Any,
    velocity: Any = None,
    *,
    lr: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
) -> Any:
    """Take one step of `SGD`, in place: `minis.training.sgd.sgd_step`."""
    values = numbers(lr, momentum, weight_decay)
    if values is None or not served(data, grad, velocity) or (momentum and velocity is None):
        return NotImplemented
    take_step("sgd", data, grad, velocity if momentum else None, options=(*values, bool(nesterov)))
    return None
