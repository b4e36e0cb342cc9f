"""Spec of the Dice loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, shapes
from .extra import quiet
from .properties import Functions
from .spec import Call, Spec


@st.composite
def dice_calls(draw: st.DrawFn) -> Call:
    """Draw probabilities and a truth, hard or soft; empty masks are common."""
    shape, dtype = draw(shapes(least=1)), draw(dtypes())
    options = {
        "squared": draw(st.booleans()),
        "over_batch": draw(st.booleans()),
        "smooth": draw(st.sampled_from([0.0, 1.0, 0.01])),
    }
    p, g = (draw(arrays(shape, dtype, low=0, high=1)) for _ in range(2))
    return Call((p, g), options)


def dice_loops(
    probabilities: Any, target: Any, *, squared: bool, over_batch: bool, smooth: float
) -> Any:
    """Count overlap and sizes, class by class, in each sample or in all of them."""
    samples, classes, *size = probabilities.shape
    if not probabilities.size:
        return np.asarray(np.nan)
    coefficients = []
    for group in [range(samples)] if over_batch else [[n] for n in range(samples)]:
        for k in range(classes):
            overlap = sizes = 0.0
            for n in group:
                for at in np.ndindex(*size):
                    p, g = float(probabilities[(n, k, *at)]), float(target[(n, k, *at)])
                    overlap += p * g
                    sizes += p**2 + g**2 if squared else p + g
            both_empty = sizes + smooth == 0
            coefficients.append(1.0 if both_empty else (2 * overlap + smooth) / (sizes + smooth))
    return np.asarray(1 - sum(coefficients) / len(coefficients))


def dice_torch(
    probabilities: Any, target: Any, *, squared: bool, over_batch: bool, smooth: float
) -> Any:
    """Compute it with tensors, so that autograd gives the gradient."""
    power = 2 if squared else 1
    axes = tuple(a for a in range(probabilities.ndim) if a != 1 and (a != 0 or over_batch))
    overlap = 2 * (probabilities * target).sum(axes) + smooth
    sizes = (probabilities**power).sum(axes) + (target**power).sum(axes) + smooth
    empty = sizes == 0
    dice = (overlap / sizes.masked_fill(empty, 1)).masked_fill(empty, 1)
    return 1 - dice.mean() if probabilities.numel() else probabilities.sum() + np.nan


def empty_masks_agree(functions: Functions, call: Call) -> None:
    """Where neither truth nor prediction has a pixel, loss and gradient are 0."""
    empty = np.zeros_like(call.args[0])
    if not empty.size:
        return
    with quiet("dice_loss of two empty masks"):
        loss = functions["dice_loss"](empty, empty, **call.options)
        dx = functions["dice_loss_backward"](1.0, empty, empty, **{**call.options, "smooth": 0.0})
    assert loss == 0, f"two empty masks have a loss of {loss}"
    assert not dx.any(), f"two empty masks have the gradient {dx}"


def perfect_is_zero(functions: Functions, call: Call) -> None:
    """A hard mask predicted exactly has no loss; any prediction loses from 0 to 1."""
    p, g = call.args
    if not p.size:
        return
    hard = np.round(g)
    loss = functions["dice_loss"](hard, hard, **call.options)
    assert abs(loss) <= 1e-6, f"a perfect prediction loses {loss}"
    loss = functions["dice_loss"](p, g, **{**call.options, "squared": True})
    assert -1e-6 <= loss <= 1 + 1e-6, f"loss of {loss}"


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    return Call((dy, *call.args), call.options)


SPECS = (
    Spec(
        name="dice_loss",
        family="loss",
        source="Milletari et al. 2016, section 3",
        axes="1-D, 2-D, 3-D",
        calls=dice_calls(),
        loops=dice_loops,
        torch=dice_torch,
        backward=_backward,
        gradients=(0,),
        extra=(empty_masks_agree, perfect_is_zero),
    ),
)
