"""The operation that a function under examination claims to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ... import ops
from ..specs import SPECS
from ..specs.properties import as_tuple
from ..specs.spec import Call, Spec


class Target:
    """An operation of `minis.ops`, forward or backward, and how to draw calls of it.

    Parameters
    ----------
    operation : str
        Such as "conv" or "conv_backward".

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

    Raises
    ------
    ValueError
        If there is no such operation, or it has no spec.

    Examples
    --------
    >>> Target("max_pool_backward").spec.name
    'max_pool'
    """

    def __init__(self, operation: str) -> None:
        forward = operation.removesuffix("_backward")
        self.name, self.backward = operation, operation != forward
        known = [n for n in ops.__all__ if n.removesuffix("_backward") in SPECS]
        if operation not in known:
            raise ValueError(
                f"check: there is no operation {operation!r} to compare with; "
                f"there are {', '.join(sorted(known))}"
            )
        self.spec: Spec = SPECS[forward]
        self.reference: Callable[..., Any] = getattr(ops, operation).reference
        self.calls: SearchStrategy[Call] = (
            self._backward_calls() if self.backward else self.spec.calls
        )

    def functions(self, function: Callable[..., Any]) -> dict[str, Callable[..., Any]]:
        """Return the NumPy text of all operations, with `function` in this one's place."""
        texts = {name: getattr(ops, name).reference for name in ops.__all__}
        return {**texts, self.name: function}

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
