"""Spec of batch normalisation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, shapes
from .properties import Functions
from .spec import Call, Spec


@st.composite
def batch_norm_calls(draw: st.DrawFn) -> Call:
    """Draw maps of any number of axes, statistics and options."""
    training, dtype = draw(st.booleans()), draw(dtypes())
    shape = draw(shapes())
    n, c = shape[:2]
    if training and n * math.prod(shape[2:]) == 1:
        shape = (2, *shape[1:])  # one value has no variance
    gamma, beta, running_mean = (draw(arrays((c,), dtype)) for _ in range(3))
    running_var = draw(arrays((c,), dtype, low=1))
    options = {
        "training": training,
        "momentum": draw(st.sampled_from([0.1, 0.3, 0.0, 1.0])),
        "eps": draw(st.sampled_from([1e-5, 0.1] if training else [1e-5, 0.1, 0.0])),
    }
    return Call((draw(arrays(shape, dtype)), gamma, beta, running_mean, running_var), options)


def batch_norm_loops(
    x: Any,
    gamma: Any,
    beta: Any,
    running_mean: Any,
    running_var: Any,
    *,
    training: bool,
    momentum: float,
    eps: float,
) -> Any:
    """Normalise channel by channel, from lists of numbers."""
    y = np.zeros(x.shape)
    mean, var = running_mean.astype(float), running_var.astype(float)
    new_mean, new_var = mean.copy(), var.copy()
    for c in range(x.shape[1]):
        places = [at for at in np.ndindex(x.shape) if at[1] == c]
        m = len(places)
        if training and m:
            mean[c] = sum(float(x[at]) for at in places) / m
            squares = sum((float(x[at]) - mean[c]) ** 2 for at in places)
            var[c] = squares / m
            new_mean[c] = (1 - momentum) * new_mean[c] + momentum * mean[c]
            new_var[c] = (1 - momentum) * new_var[c] + momentum * squares / (m - 1)
        for at in places:
            y[at] = (float(x[at]) - mean[c]) / math.sqrt(var[c] + eps) * gamma[c] + beta[c]
    return y, mean, (var + eps) ** -0.5, new_mean, new_var


def batch_norm_torch(
    x: Any, gamma: Any, beta: Any, running_mean: Any, running_var: Any, **options: Any
) -> Any:
    """Apply PyTorch's batch norm, which updates the running statistics in place."""
    from torch.nn import functional

    new_mean, new_var = running_mean.clone(), running_var.clone()
    y = functional.batch_norm(x, new_mean, new_var, gamma, beta, **options)
    return y, None, None, new_mean, new_var


def only_shape_matters(functions: Functions, call: Call) -> None:
    """In training, y does not change when x is shifted or scaled, so dx has no such part."""
    x, *others = (a.astype(np.float64) for a in call.args)
    if not call.options["training"] or not x.size:
        return
    x += np.random.default_rng(11).uniform(0, 0.5, x.shape)
    options = {**call.options, "eps": 0.0}
    y, mean, inv_std, *_ = functions["batch_norm"](x, *others, **options)
    moved, *_ = functions["batch_norm"](3 * x + 2, *others, **options)
    np.testing.assert_allclose(moved, y, rtol=1e-7, atol=1e-7, err_msg="y of 3x + 2")
    dy = np.random.default_rng(13).standard_normal(x.shape)
    dx, *_ = functions["batch_norm_backward"](dy, x, others[0], mean, inv_std, training=True)
    axes = (0, *range(2, x.ndim))
    scale = 1e-9 * x.size * max(1.0, float(np.abs(dx).max())) * float(np.abs(x).max())
    assert np.abs(dx.sum(axis=axes)).max() <= scale, "dx has a mean"
    assert np.abs((dx * x).sum(axis=axes)).max() <= scale, "dx has a part along x"


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    x, gamma, *_ = call.args
    _, mean, inv_std, *_ = outputs
    return Call((dy, x, gamma, mean, inv_std), {"training": call.options["training"]})


SPECS = (
    Spec(
        name="batch_norm",
        family="normalisation",
        source="Ioffe & Szegedy 2015; as `torch.nn.functional.batch_norm`",
        axes="0-D to 3-D",
        calls=batch_norm_calls(),
        loops=batch_norm_loops,
        torch=batch_norm_torch,
        backward=_backward,
        gradients=(0, 1, 2),
        linear_in=(1, 2),
        extra=(only_shape_matters,),
        tolerance={"float32": 2e-4, "float64": 1e-10},  # 1/√var magnifies what x lost in rounding
    ),
)
