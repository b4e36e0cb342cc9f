"""Spec of group normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, shapes
from .properties import Functions
from .spec import Call, Spec


@st.composite
def group_norm_calls(draw: st.DrawFn) -> Call:
    """Draw maps of any number of axes, with one to three groups of one to three channels."""
    dtype = draw(dtypes())
    n, groups, *spatial = draw(shapes())
    c = groups * draw(st.sampled_from([2, 3, 1]))
    gamma, beta = (draw(arrays((c,), dtype)) for _ in range(2))
    x = draw(arrays((n, c, *spatial), dtype))
    return Call((x, gamma, beta, groups), {"eps": draw(st.sampled_from([1e-5, 0.1]))})


def group_norm_loops(x: Any, gamma: Any, beta: Any, groups: int, *, eps: float) -> Any:
    """Normalise sample by sample and group by group, from lists of numbers."""
    y = np.zeros(x.shape)
    mean, inv_std = np.zeros((2, x.shape[0], groups))
    channels = x.shape[1] // groups
    for n, group in np.ndindex(mean.shape):
        places = [at for at in np.ndindex(x.shape) if at[0] == n and at[1] // channels == group]
        mu = sum(float(x[at]) for at in places) / len(places)
        var = sum((float(x[at]) - mu) ** 2 for at in places) / len(places)
        mean[n, group], inv_std[n, group] = mu, 1 / math.sqrt(var + eps)
        for at in places:
            y[at] = (float(x[at]) - mu) / math.sqrt(var + eps) * gamma[at[1]] + beta[at[1]]
    return y, mean, inv_std


def group_norm_torch(x: Any, gamma: Any, beta: Any, groups: int, *, eps: float) -> Any:
    """Apply PyTorch's group norm, past the check that refuses a single value."""
    import torch

    return torch.group_norm(x, groups, gamma, beta, eps), None, None


def samples_are_strangers(functions: Functions, call: Call) -> None:
    """A batch gives each sample what it would get alone, and so do its gradients."""
    x, gamma, beta, groups = call.args
    if not len(x):
        return
    dy = np.random.default_rng(13).standard_normal(x.shape).astype(x.dtype)

    def both(part: slice) -> Any:
        y, mean, inv_std = functions["group_norm"](x[part], gamma, beta, groups, **call.options)
        arguments = (dy[part], x[part], gamma, mean, inv_std, groups)
        return y, *functions["group_norm_backward"](*arguments)

    whole, last = both(slice(None)), both(slice(-1, None))
    slack = 1e-3 if x.dtype == np.float32 else 1e-8
    for name, of_all, alone in zip(("y", "dx"), whole, last, strict=False):
        error = float(np.abs(of_all[-1:] - alone).max()) / max(1.0, float(np.abs(alone).max()))
        assert error <= slack, f"{name} of a sample is another beside others: {error:.2g}"


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    x, gamma, _, groups = call.args
    _, mean, inv_std = outputs
    return Call((dy, x, gamma, mean, inv_std, groups))


SPECS = (
    Spec(
        name="group_norm",
        family="normalisation",
        source="Wu & He 2018; as `torch.nn.functional.group_norm`",
        axes="0-D to 3-D",
        calls=group_norm_calls(),
        loops=group_norm_loops,
        torch=group_norm_torch,
        backward=_backward,
        gradients=(0, 1, 2),
        linear_in=(1, 2),
        extra=(samples_are_strangers,),
        tolerance={"float32": 2e-4, "float64": 1e-10},  # 1/√var magnifies what x lost in rounding
    ),
)
