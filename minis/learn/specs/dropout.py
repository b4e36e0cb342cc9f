"""Spec of dropout: its mask is random, so what it must satisfy is said of the mask."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from .draw import arrays, dtypes, generators, shapes
from .properties import Functions
from .spec import Call, Spec

MANY = 20_000  # values of which a mean is taken


@st.composite
def dropout_calls(draw: st.DrawFn) -> Call:
    """Draw maps, a probability that may be 0 or 1, and a seeded generator."""
    x = draw(arrays(draw(shapes()), draw(dtypes())))
    p = draw(st.sampled_from([0.5, 0.25, 0.1, 0.0, 1.0]) | st.floats(0, 0.9))
    return Call((x, p, draw(generators())), {"per_channel": draw(st.booleans())})


def mask_is_zero_or_rescales(functions: Functions, call: Call) -> None:
    """The mask is 0 or 1/(1 − p), for each value or for each channel, and multiplies x."""
    x, p, _ = call.args
    y, mask = call.on(functions["dropout"])
    expected = x.shape
    if call.options["per_channel"]:
        expected = (*x.shape[:2], *(1 for _ in x.shape[2:]))
    assert mask.shape == expected, f"mask of shape {mask.shape}, expected {expected}"
    scale = x.dtype.type(1 / (1 - p) if p < 1 else 0)
    for value in np.unique(mask):
        assert value in (0, scale), f"the mask holds {value}, neither 0 nor 1/(1 − {p})"
    assert np.array_equal(y, x * mask), "y is not x · mask"
    assert p > 0 or (mask == 1).all(), "p = 0 drops something"
    assert p < 1 or not mask.any(), "p = 1 keeps something"


def the_seed_decides(functions: Functions, call: Call) -> None:
    """The same seed gives the same mask; a generator that goes on gives another."""
    rng = np.random.default_rng(17)
    x = np.ones((4, 50, 2))
    first, second = (functions["dropout"](x, 0.5, rng, **call.options)[1] for _ in range(2))
    again = functions["dropout"](x, 0.5, np.random.default_rng(17), **call.options)[1]
    assert np.array_equal(first, again), "the same seed gives another mask"
    assert not np.array_equal(first, second), "two draws of one generator give the same mask"


def mean_stays(functions: Functions, call: Call) -> None:
    """On average y is x: survivors make up for the others."""
    _, p, rng = call.args
    if p == 1:
        return
    many = Call((np.ones((MANY, 1, 1)), p, rng), call.options)
    y, _ = many.on(functions["dropout"])
    deviation = math.sqrt(p / (1 - p) / MANY)
    assert abs(y.mean() - 1) <= 5 * deviation + 1e-12, f"ones get a mean of {y.mean()} at p = {p}"


def _backward(call: Call, outputs: Any, dy: Any) -> Call:
    return Call((dy, outputs[1]))


SPECS = (
    Spec(
        name="dropout",
        family="regularisation",
        source="Srivastava et al. 2014; per channel Tompson et al. 2015",
        axes="any",
        calls=dropout_calls(),
        backward=_backward,
        gradients=(0,),
        linear_in=(0,),
        extra=(mask_is_zero_or_rescales, the_seed_decides, mean_stays),
    ),
)
