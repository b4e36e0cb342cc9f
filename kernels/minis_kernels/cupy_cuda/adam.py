"""Adam and AdamW on the GPU, by `sources/optimiser.cu`."""

from __future__ import annotations

import math
from typing import Any

from ..arguments import numbers
from .parameters import served, take_step


def adam_step(
    data: Any,
    grad: Any,
    mean: Any,
    square: Any,
    *,
    step: int,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
) -> Any:
    """Take one step of `Adam`, in place: `minis.training.adam.adam_step`."""
    values = numbers(lr, *betas, eps, weight_decay)
    if values is None or mean is None or square is None or not served(data, grad, mean, square):
        return NotImplemented
    rate, beta1, beta2, least, decay = values
    if type(step) is not int or step < 1 or not (0 <= beta1 < 1 and 0 <= beta2 < 1):
        return NotImplemented
    options = (
        rate / (1 - beta1**step),
        beta1,
        1 - beta1,
        beta2,
        1 - beta2,
        math.sqrt(1 - beta2**step),
        least,
        0.0 if decoupled else decay,
        1 - rate * decay if decoupled else 1.0,
    )
    take_step("adam", data, grad, mean, square, options=options)
    return None
