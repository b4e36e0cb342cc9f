"""The form of a spec: what an operation must satisfy, written once.

A spec says how to draw an operation's arguments, what independent oracles compute, and how its
backward is called. `properties.py` turns that into checks; the test suite runs them on every
backend, and a learner's own function is examined by the same.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from hypothesis.strategies import SearchStrategy

Function = Callable[..., Any]


class Call(NamedTuple):
    """The arguments of one call."""

    args: tuple[Any, ...]
    options: dict[str, Any] = {}  # noqa: RUF012 - never written to

    def on(self, function: Function) -> Any:
        """Call `function`, on copies of random generators: each call draws the same numbers."""
        args = (copy.deepcopy(a) if isinstance(a, np.random.Generator) else a for a in self.args)
        return function(*args, **self.options)


@dataclass(frozen=True)
class Spec:
    """What one operation, and its backward if it has one, must satisfy.

    Attributes
    ----------
    name : str
        The operation in `minis.ops`; its backward is `name + "_backward"`.
    family, source : str
        For the table of operations: its group, and where it is defined.
    axes : str
        The spatial axes it serves, such as "1-D, 2-D, 3-D"; empty where it has none.
    calls : strategy of Call
        Draws arguments: both dtypes, every option, odd shapes and memory layouts.
    loops : function, optional
        The operation in plain Python loops over single numbers, with the same signature.
    torch : function, optional
        The operation in PyTorch, with the same signature but on tensors. It imports torch itself.
    backward : function (call, outputs, dy) -> Call, optional
        How the backward is called after the forward gave `outputs`.
    gradients : tuple of int
        The positions in `call.args` that backward returns gradients of, in order.
    linear_in : tuple of int
        Those in which the operation is linear, a constant aside: their gradient is proven by the
        adjoint identity. All others are proven by finite differences.
    extra : tuple of function (functions, call) -> None
        Checks that only this operation has; each asserts.
    tolerance : dict
        Largest scaled error, by dtype name.
    """

    name: str
    family: str
    source: str
    calls: SearchStrategy[Call]
    axes: str = ""
    loops: Function | None = None
    torch: Function | None = None
    backward: Callable[[Call, Any, Any], Call] | None = None
    gradients: tuple[int, ...] = ()
    linear_in: tuple[int, ...] = ()
    extra: tuple[Callable[[dict[str, Function], Call], None], ...] = ()
    tolerance: dict[str, float] = field(default_factory=lambda: {"float32": 2e-5, "float64": 1e-11})
