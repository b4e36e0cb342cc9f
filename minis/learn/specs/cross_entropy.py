"""Spec of softmax cross-entropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, generators, lay_out, shapes
from .extra import finite_when_huge, quiet
from .properties import Functions, assert_close
from .spec import Call, Spec


@st.composite
def cross_entropy_calls(draw: st.DrawFn) -> Call:
    """Draw logits of one to three classes, labels some of which are void, and weights or none."""
    shape, dtype = draw(shapes()), draw(dtypes())
    n, classes, *size = shape
    ignore = draw(st.sampled_from([-100, 255, 0]))
    kind = draw(st.sampled_from(["int64", "int32", *(["uint8"] if ignore >= 0 else [])]))
    rng = draw(generators())
    target = rng.integers(0, classes, (n, *size))
    void = rng.random((n, *size)) < draw(st.sampled_from([0.3, 0.0, 1.0]))
    target = np.where(void, ignore, target).astype(kind)
    options = {
        "class_weight": draw(st.none() | arrays((classes,), dtype, low=0)),
        "pixel_weight": draw(st.none() | arrays((n, *size), dtype, low=0)),
        "ignore_index": ignore,
        "reduction": draw(st.sampled_from(["mean", "sum"])),
    }
    target = lay_out(target, draw(st.sampled_from(["contiguous", "reversed", "strided"])))
    return Call((draw(arrays(shape, dtype)), target), options)


def cross_entropy_loops(
    logits: Any,
    target: Any,
    *,
    class_weight: Any,
    pixel_weight: Any,
    ignore_index: int,
    reduction: str,
) -> Any:
    """Go from pixel to pixel; one that is ignored counts neither above nor below."""
    probabilities = np.zeros(logits.shape)
    loss = total = 0.0
    for n, *at in np.ndindex(target.shape):
        scores = [math.exp(float(logits[(n, k, *at)])) for k in range(logits.shape[1])]
        for k, score in enumerate(scores):
            probabilities[(n, k, *at)] = score / sum(scores)
        label = int(target[(n, *at)])
        if label != ignore_index:
            weight = 1.0 if class_weight is None else float(class_weight[label])
            weight *= 1.0 if pixel_weight is None else float(pixel_weight[(n, *at)])
            loss -= weight * math.log(scores[label] / sum(scores))
            total += weight
    if reduction == "mean":
        loss = loss / total if total else math.nan
    return np.asarray(loss), probabilities


def cross_entropy_torch(
    logits: Any,
    target: Any,
    *,
    class_weight: Any,
    pixel_weight: Any,
    ignore_index: int,
    reduction: str,
) -> Any:
    """Apply PyTorch's; pixel weights are put in between the single losses and their mean.

    Where no pixel counts the mean is NaN as PyTorch's, but its gradient 0, where PyTorch's is NaN.
    """
    import torch
    from torch.nn import functional

    target = target.long()
    weight = None if class_weight is None else torch.from_numpy(class_weight.copy())
    options: dict[str, Any] = {"weight": weight, "ignore_index": ignore_index}
    kept = target != ignore_index
    counted = kept.to(logits.dtype)
    if weight is not None:
        counted = counted * weight[torch.where(kept, target, 0)]
    if pixel_weight is not None:
        pixels = torch.from_numpy(pixel_weight.copy())
        counted = counted * pixels
        loss = (
            functional.cross_entropy(logits, target, reduction="none", **options) * pixels
        ).sum()
        loss = loss if reduction == "sum" else loss / counted.sum()
    else:
        loss = functional.cross_entropy(logits, target, reduction=reduction, **options)
    if reduction == "mean" and not counted.sum():
        assert loss.isnan()
        loss = 0 * logits.sum() + math.nan
    return loss, logits.softmax(1)


def void_is_void(functions: Functions, call: Call) -> None:
    """Logits where the target is ignored, even NaN, change neither loss nor gradient."""
    logits, target = call.args
    void = (target == call.options["ignore_index"])[:, None]
    spoilt = np.where(void, logits.dtype.type(np.nan), logits)
    results = []
    for x in (logits, spoilt):
        with quiet("cross_entropy with NaN logits at ignored pixels"):
            loss, p = functions["cross_entropy"](x, target, **call.options)
            dx = functions["cross_entropy_backward"](2.0, p, target, **call.options)
        results.append((loss, dx))
    (loss, dx), (spoilt_loss, spoilt_dx) = results
    assert_close(spoilt_loss, loss, 0, "loss with NaN logits at ignored pixels")
    assert_close(spoilt_dx, dx, 0, "gradient with NaN logits at ignored pixels")
    assert not np.where(void, dx, 0).any(), "an ignored pixel has a gradient"


def gradients_cancel(functions: Functions, call: Call) -> None:
    """Shifting all of a pixel's logits changes nothing: its gradients sum to 0."""
    logits, target = call.args
    _, p = functions["cross_entropy"](logits, target, **call.options)
    dx = functions["cross_entropy_backward"](1.0, p, target, **call.options)
    worst = float(np.abs(dx.sum(axis=1)).max(initial=0))
    assert worst <= 1e-5, f"a pixel's gradients sum to {worst}"


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    return Call((dy, outputs[1], *call.args[1:]), call.options)


SPECS = (
    Spec(
        name="cross_entropy",
        family="loss",
        source="as `torch.nn.functional.cross_entropy`; pixel weights: Ronneberger et al. 2015",
        axes="0-D to 3-D",
        calls=cross_entropy_calls(),
        loops=cross_entropy_loops,
        torch=cross_entropy_torch,
        backward=_backward,
        gradients=(0,),
        extra=(
            void_is_void,
            gradients_cancel,
            finite_when_huge("cross_entropy", _backward, np.array([0, 2])),
        ),
    ),
)
