"""What a function under examination claims to be: an operation, or the subject of an exercise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ... import ops
from ..mistakes import MISTAKES, Mistake
from ..specs import SPECS
from ..specs.properties import as_tuple
from ..specs.spec import Call, Spec


class Target:
    """An operation of `minis.ops`, forward or backward, and how to draw calls of it.

    Parameters
    ----------
    operation : str
        Such as "conv" or "conv_backward".
    calls : strategy of Call, optional
        Draws arguments of the forward, where fewer kinds are wanted than the spec's. What only
        this operation promises is not asked then.

    Attributes
    ----------
    name : str
        The operation.
    spec : Spec
        Its spec; a backward has its forward's.
    backward : bool
        Whether it is one.
    reference : function
        The NumPy text.
    calls : strategy of Call
        Draws its arguments. A backward's come from a forward pass, with random integers as `dy`.
    mistakes : sequence of Mistake
        Known ones, to name as a cause.
    oracle : str
        What `reference` is, in words.

    Raises
    ------
    ValueError
        If there is no such operation, or it has no spec.

    Examples
    --------
    >>> Target("max_pool_backward").spec.name
    'max_pool'
    """

    oracle = "the NumPy text"

    def __init__(self, operation: str, calls: SearchStrategy[Call] | None = None) -> None:
        forward = operation.removesuffix("_backward")
        self.name, self.backward = operation, operation != forward
        known = [n for n in ops.__all__ if n.removesuffix("_backward") in SPECS]
        if operation not in known:
            raise ValueError(
                f"check: there is no operation {operation!r} to compare with; "
                f"there are {', '.join(sorted(known))}"
            )
        self.spec: Spec = SPECS[forward]
        if calls is not None:
            self.spec = replace(self.spec, calls=calls, extra=())
        self.reference: Callable[..., Any] = getattr(ops, operation).reference
        self.calls: SearchStrategy[Call] = (
            self._backward_calls() if self.backward else self.spec.calls
        )
        self.mistakes: Sequence[Mistake] = [m for m in MISTAKES if m.operation == operation]

    def functions(self, function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
        """Return the NumPy text of all operations, with `function` in this one's place."""
        texts = {name: getattr(ops, name).reference for name in ops.__all__}
        return {**texts, self.name: function}

    def sides(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """List the library's versions to compare the speed with: name, backend, function."""
        return [
            ("minis, the NumPy text", "numpy", self.reference),
            ("minis, the Numba kernel", "numba", getattr(ops, self.name)),
        ]

    def _backward_calls(self) -> SearchStrategy[Call]:
        spec, forward = self.spec, getattr(ops, self.spec.name).reference

        @st.composite
        def draw_call(draw: st.DrawFn) -> Call:
            call = draw(spec.calls)
            seed = draw(st.integers(0, 2**16))
            with np.errstate(all="ignore"):
                outputs = call.on(forward)
            y = np.asarray(as_tuple(outputs)[0])
            dy = np.random.default_rng(seed).integers(-3, 4, y.shape).astype(y.dtype)
            assert spec.backward is not None
            return spec.backward(call, outputs, dy)

        return draw_call()


class OwnTarget(Target):
    """A function that the library has no operation for, such as one step of an operation.

    Parameters
    ----------
    spec : Spec
        Its name, how to draw calls of it, what else it must satisfy.
    reference : function
        A right version of it.
    mistakes : sequence of function
        Plausible wrong versions; each one's docstring says in a sentence what is wrong.
    """

    oracle = "the solution"

    def __init__(
        self,
        spec: Spec,
        reference: Callable[..., Any],
        mistakes: Sequence[Callable[..., Any]] = (),
    ) -> None:
        self.name, self.backward = spec.name, False
        self.spec, self.reference, self.calls = spec, reference, spec.calls
        self.mistakes = [Mistake(spec.name, spec.name, function) for function in mistakes]

    def sides(self) -> list[tuple[str, str, Callable[..., Any]]]:
        """Name the right version."""
        return [("the solution", "numpy", self.reference)]
