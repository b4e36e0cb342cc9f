"""Checks that several specs list in their `extra`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .properties import Functions, as_tuple
from .spec import Call

Check = Callable[[Functions, Call], None]


@contextmanager
def quiet(what: str) -> Iterator[None]:
    """Turn a division by zero, an overflow or an invalid value in NumPy into an AssertionError."""
    try:
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            yield
    except FloatingPointError as error:
        raise AssertionError(f"{what}: {error}") from error


def finite_when_huge(name: str, backward: Callable[[Call, Any, Any], Call], *others: Any) -> Check:
    """Make a check that values of ±10⁴ give finite results and gradients, without a warning.

    Parameters
    ----------
    name : str
        The operation.
    backward : function (call, outputs, dy) -> Call
        As in its `Spec`.
    *others
        Its arguments after a first one of shape (2, 3).
    """

    def check(functions: Functions, call: Call) -> None:
        x = np.array([[-1e4, 0, 1e4], [1e4, 1e4, -1e4]], "float32")
        huge = Call((x, *others))
        with quiet(f"{name} of ±10⁴"):
            outputs = huge.on(functions[name])
            back = backward(huge, outputs, np.ones_like(as_tuple(outputs)[0]))
            gradients = back.on(functions[f"{name}_backward"])
        for result in (*as_tuple(outputs), *as_tuple(gradients)):
            assert np.isfinite(result).all(), f"{name} of ±10⁴ gives {result}"

    return check


def nan_propagates(name: str, *others: Any) -> Check:
    """Make a check that NaN in gives NaN out, and only there; `others` as `finite_when_huge`'s."""

    def check(functions: Functions, call: Call) -> None:
        x = np.array([[0.5, -0.5, 2.0], [1.0, np.nan, -2.0]])
        y = functions[name](x, *others)
        assert np.array_equal(np.isnan(y), np.isnan(x)), f"{name} of {x} gives {y}"

    return check
