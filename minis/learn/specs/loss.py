"""Specs of the losses that are taken element by element: binary, focal and smooth L1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .activation import any_shapes
from .draw import arrays, dtypes
from .extra import finite_when_huge
from .properties import Functions
from .spec import Call, Spec

REDUCTIONS = st.sampled_from(["mean", "sum"])


@st.composite
def bce_calls(draw: st.DrawFn) -> Call:
    """Draw logits, a truth from 0 to 1, and weights or none."""
    shape, dtype = draw(any_shapes()), draw(dtypes())
    weight = draw(st.none() | arrays(shape, dtype, low=0))
    args = draw(arrays(shape, dtype)), draw(arrays(shape, dtype, low=0, high=1))
    return Call(args, {"weight": weight, "reduction": draw(REDUCTIONS)})


@st.composite
def focal_calls(draw: st.DrawFn) -> Call:
    """Draw logits, a truth of zeros and ones, and both parameters."""
    shape, dtype = draw(any_shapes()), draw(dtypes())
    options = {
        "alpha": draw(st.sampled_from([0.25, 0.6, 1.0, 0.0, -1.0])),
        "gamma": draw(st.sampled_from([2.0, 1.0, 0.5, 0.0])),
        "reduction": draw(REDUCTIONS),
    }
    x, t = draw(arrays(shape, dtype)), draw(arrays(shape, dtype, low=0, high=1))
    return Call((x, np.round(t)), options)


@st.composite
def smooth_l1_calls(draw: st.DrawFn) -> Call:
    """Draw two arrays, whose differences lie on both sides of beta and at it."""
    shape, dtype = draw(any_shapes()), draw(dtypes())
    beta = draw(st.sampled_from([1.0, 1 / 9, 2.0, 0.0]))
    args = draw(arrays(shape, dtype)), draw(arrays(shape, dtype))
    return Call(args, {"beta": beta, "reduction": draw(REDUCTIONS)})


def bce_loops(logits: Any, target: Any, *, weight: Any, reduction: str) -> Any:
    """Take −log of the probability given to the truth, one by one."""
    losses = []
    for at in np.ndindex(logits.shape):
        p, t = _probability(logits[at]), float(target[at])
        loss = -t * math.log(p) - (1 - t) * math.log(1 - p)
        losses.append(loss if weight is None else loss * float(weight[at]))
    return _reduced(losses, reduction)


def focal_loops(logits: Any, target: Any, *, alpha: float, gamma: float, reduction: str) -> Any:
    """Equation 5 of the paper, one by one."""
    losses = []
    for at in np.ndindex(logits.shape):
        p = _probability(logits[at])
        p_t, alpha_t = (p, alpha) if target[at] == 1 else (1 - p, 1 - alpha)
        loss = -((1 - p_t) ** gamma) * math.log(p_t)
        losses.append(loss if alpha < 0 else alpha_t * loss)
    return _reduced(losses, reduction)


def smooth_l1_loops(x: Any, target: Any, *, beta: float, reduction: str) -> Any:
    """Choose parabola or line, one by one."""
    losses = []
    for at in np.ndindex(x.shape):
        distance = abs(float(x[at]) - float(target[at]))
        losses.append(distance**2 / (2 * beta) if distance < beta else distance - beta / 2)
    return _reduced(losses, reduction)


def bce_torch(logits: Any, target: Any, *, weight: Any, reduction: str) -> Any:
    """Apply PyTorch's."""
    import torch
    from torch.nn import functional

    weight = None if weight is None else torch.from_numpy(weight.copy())
    return functional.binary_cross_entropy_with_logits(
        logits, target, weight=weight, reduction=reduction
    )


def focal_torch(logits: Any, target: Any, *, alpha: float, gamma: float, reduction: str) -> Any:
    """Compute it with tensors as torchvision does, so that autograd gives the gradient."""
    from torch.nn import functional

    bce = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    p = logits.sigmoid()
    p_t = p * target + (1 - p) * (1 - target)
    loss = bce * (1 - p_t) ** gamma
    if alpha >= 0:
        loss = (alpha * target + (1 - alpha) * (1 - target)) * loss
    return loss.mean() if reduction == "mean" else loss.sum()


def smooth_l1_torch(x: Any, target: Any, **options: Any) -> Any:
    """Apply PyTorch's."""
    from torch.nn import functional

    return functional.smooth_l1_loss(x, target, **options)


def focal_without_focus_is_bce(functions: Functions, call: Call) -> None:
    """With gamma = 0 and no class weights it is plain binary cross-entropy."""
    x, t = call.args
    got = functions["focal_loss"](x, t, alpha=-1.0, gamma=0.0, reduction="sum")
    expected = functions["bce_with_logits"](x, t, reduction="sum")
    np.testing.assert_allclose(got, expected, rtol=1e-6, err_msg="focal_loss with gamma = 0")


def _probability(logit: Any) -> float:
    return 1 / (1 + math.exp(-float(logit)))


def _reduced(losses: list[float], reduction: str) -> Any:
    total = math.fsum(losses)
    if reduction == "mean":
        total = total / len(losses) if losses else math.nan
    return np.asarray(total)


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    return Call((dy, *call.args), call.options)


_TRUTH = np.array([[1, 0, 0], [0, 1, 1]], "float32")

SPECS = (
    Spec(
        name="bce_with_logits",
        family="loss",
        source="as `torch.nn.functional.binary_cross_entropy_with_logits`",
        axes="any",
        calls=bce_calls(),
        loops=bce_loops,
        torch=bce_torch,
        backward=_backward,
        gradients=(0,),
        extra=(finite_when_huge("bce_with_logits", _backward, _TRUTH),),
    ),
    Spec(
        name="focal_loss",
        family="loss",
        source="Lin et al. 2017, equation 5; as `torchvision.ops.sigmoid_focal_loss`",
        axes="any",
        calls=focal_calls(),
        loops=focal_loops,
        torch=focal_torch,
        backward=_backward,
        gradients=(0,),
        extra=(focal_without_focus_is_bce, finite_when_huge("focal_loss", _backward, _TRUTH)),
    ),
    Spec(
        name="smooth_l1",
        family="loss",
        source="Girshick 2015, equation 3; as `torch.nn.functional.smooth_l1_loss`",
        axes="any",
        calls=smooth_l1_calls(),
        loops=smooth_l1_loops,
        torch=smooth_l1_torch,
        backward=_backward,
        gradients=(0,),
        extra=(finite_when_huge("smooth_l1", _backward, _TRUTH),),
    ),
)
