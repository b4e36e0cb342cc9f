"""Specs of the activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, shapes
from .extra import finite_when_huge, nan_propagates
from .properties import Functions
from .spec import Call, Spec


def any_shapes() -> st.SearchStrategy[tuple[int, ...]]:
    """Draw a shape of zero to five axes."""
    return st.sampled_from([(), (0,), (1,), (5,)]) | shapes()


@st.composite
def one_array(draw: st.DrawFn) -> Call:
    """Draw one array of any shape."""
    return Call((draw(arrays(draw(any_shapes()), draw(dtypes()))),))


@st.composite
def elu_calls(draw: st.DrawFn) -> Call:
    """Draw an array of any shape, and the level −alpha."""
    x = draw(arrays(draw(any_shapes()), draw(dtypes())))
    return Call((x, draw(st.sampled_from([1.0, 0.5, 2.0, 0.0]))))


@st.composite
def prelu_calls(draw: st.DrawFn) -> Call:
    """Draw maps, and one slope for all channels or one for each."""
    shape, dtype = draw(shapes()), draw(dtypes())
    a = draw(arrays((draw(st.sampled_from([1, shape[1]])),), dtype))
    return Call((draw(arrays(shape, dtype)), a))


def each(function: Callable[..., float]) -> Callable[..., Any]:
    """Make a function of one number, and the arguments after it, one of an array."""

    def loop(x: Any, *others: Any) -> Any:
        y = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            y[at] = function(float(x[at]), *others)
        return y

    return loop


def prelu_loops(x: Any, a: Any) -> Any:
    """Look up each value's slope."""
    y = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        slope = float(a[at[1] if len(a) > 1 else 0])
        y[at] = float(x[at]) if x[at] >= 0 else slope * float(x[at])
    return y


def _torch(name: str) -> Callable[..., Any]:
    def apply(*args: Any) -> Any:
        from torch.nn import functional

        return getattr(functional, name)(*args)

    return apply


def relu_is_flat_at_zero(functions: Functions, call: Call) -> None:
    """At x = 0, whatever its sign, relu's slope is 0."""
    zeros, dy = np.array([0.0, -0.0]), np.array([3.0, 5.0])
    dx = functions["relu_backward"](dy, functions["relu"](zeros))
    assert not dx.any(), f"relu_backward at 0 gives {dx}, not zeros"


def prelu_has_its_slope_at_zero(functions: Functions, call: Call) -> None:
    """At x = 0, prelu's slope is a."""
    dx, da = functions["prelu_backward"](np.array([[3.0]]), np.zeros((1, 1)), np.array([0.25]))
    assert dx == 0.75, f"prelu_backward at 0 with slope 0.25 makes {dx} of 3"
    assert da == 0, f"da at 0 is {da}"


def _from_output(call: Call, outputs: Any, dy: Any) -> Call:
    _, *others = call.args
    return Call((dy, outputs, *others))


def _from_input(call: Call, outputs: Any, dy: Any) -> Call:
    return Call((dy, *call.args))


_SLOPE = np.array([0.25], "float32")

SPECS = (
    Spec(
        name="relu",
        family="activation",
        source="as `torch.nn.functional.relu`",
        axes="any",
        calls=one_array(),
        loops=each(lambda x: x if x > 0 else 0.0),
        torch=_torch("relu"),
        backward=_from_output,
        gradients=(0,),
        extra=(
            relu_is_flat_at_zero,
            finite_when_huge("relu", _from_output),
            nan_propagates("relu"),
        ),
    ),
    Spec(
        name="prelu",
        family="activation",
        source="He et al. 2015; as `torch.nn.functional.prelu`",
        axes="0-D to 3-D",
        calls=prelu_calls(),
        loops=prelu_loops,
        torch=_torch("prelu"),
        backward=_from_input,
        gradients=(0, 1),
        linear_in=(1,),
        extra=(
            prelu_has_its_slope_at_zero,
            finite_when_huge("prelu", _from_input, _SLOPE),
            nan_propagates("prelu", _SLOPE.astype("float64")),
        ),
    ),
    Spec(
        name="elu",
        family="activation",
        source="Clevert et al. 2016; as `torch.nn.functional.elu`",
        axes="any",
        calls=elu_calls(),
        loops=each(lambda x, alpha: x if x > 0 else alpha * (math.exp(x) - 1)),
        torch=_torch("elu"),
        backward=_from_output,
        gradients=(0,),
        extra=(finite_when_huge("elu", _from_output, 1.0), nan_propagates("elu", 1.0)),
    ),
    Spec(
        name="sigmoid",
        family="activation",
        source="as `torch.sigmoid`",
        axes="any",
        calls=one_array(),
        loops=each(lambda x: 1 / (1 + math.exp(-x))),
        torch=_torch("sigmoid"),
        backward=_from_output,
        gradients=(0,),
        extra=(finite_when_huge("sigmoid", _from_output), nan_propagates("sigmoid")),
    ),
)
