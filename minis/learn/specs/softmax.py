"""Specs of softmax and its logarithm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, shapes
from .extra import finite_when_huge
from .properties import Functions
from .spec import Call, Spec


@st.composite
def calls_along_an_axis(draw: st.DrawFn) -> Call:
    """Draw an array of one to five axes, and one of them, counted from the front or the back."""
    shape = draw(st.sampled_from([(1,), (4,), (0,)]) | shapes())
    axis = draw(st.integers(-len(shape), len(shape) - 1) | st.just(min(1, len(shape) - 1)))
    return Call((draw(arrays(shape, draw(dtypes()))), axis))


def softmax_loops(x: Any, axis: int) -> Any:
    """Divide each exponential by the sum along its line."""
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        line = [_replaced(at, axis, j) for j in range(x.shape[axis])]
        y[at] = math.exp(float(x[at])) / sum(math.exp(float(x[j])) for j in line)
    return y


def log_softmax_loops(x: Any, axis: int) -> Any:
    """Take the logarithm of softmax."""
    y = softmax_loops(x, axis)
    for at in np.ndindex(x.shape):
        y[at] = math.log(y[at])
    return y


def softmax_torch(x: Any, axis: int) -> Any:
    """Apply PyTorch's softmax."""
    return x.softmax(axis)


def log_softmax_torch(x: Any, axis: int) -> Any:
    """Apply PyTorch's log-softmax."""
    return x.log_softmax(axis)


def sums_to_one(functions: Functions, call: Call) -> None:
    """Along the axis, probabilities sum to 1, however large the scores."""
    x, axis = call.args
    y = functions["softmax"](x * x.dtype.type(1000), axis)
    if x.size:
        np.testing.assert_allclose(y.sum(axis=axis), 1, rtol=1e-5, err_msg="sum along the axis")
        assert y.min() >= 0, f"softmax gives {y}"


def _replaced(at: tuple[int, ...], axis: int, value: int) -> tuple[int, ...]:
    place = list(at)
    place[axis] = value
    return tuple(place)


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    return Call((dy, outputs, call.args[1]))


SPECS = (
    Spec(
        name="softmax",
        family="activation",
        source="as `torch.nn.functional.softmax`",
        axes="any",
        calls=calls_along_an_axis(),
        loops=softmax_loops,
        torch=softmax_torch,
        backward=_backward,
        gradients=(0,),
        extra=(sums_to_one, finite_when_huge("softmax", _backward, 1)),
    ),
    Spec(
        name="log_softmax",
        family="activation",
        source="as `torch.nn.functional.log_softmax`",
        axes="any",
        calls=calls_along_an_axis(),
        loops=log_softmax_loops,
        torch=log_softmax_torch,
        backward=_backward,
        gradients=(0,),
        extra=(finite_when_huge("log_softmax", _backward, 1),),
    ),
)
