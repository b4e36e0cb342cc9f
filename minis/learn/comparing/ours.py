"""What a network of ours computes, call by call: forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...backend import serve
from ...nn import Module
from ...observer import Observer, unobserved
from .step import KINDS, Step

# where the parameters stand among an operation's arguments
PARAMETERS = {
    "conv": {1: "weight", 2: "bias"},
    "conv_transpose": {1: "weight", 2: "bias"},
    "linear": {1: "weight", 2: "bias"},
    "batch_norm": {1: "weight", 2: "bias"},
    "group_norm": {1: "weight", 2: "bias"},
    "prelu": {1: "weight"},
}


class OurSteps(Observer):
    """The observer that records a network's steps.

    Parameters
    ----------
    model : Module
        Look on while its `forward`, then its `backward` is called.

    Attributes
    ----------
    steps : list of Step
        In the order of the calls of forward.
    """

    def __init__(self, model: Module) -> None:
        self.steps: list[Step] = []
        self._names = {id(module): name for name, module in model.modules()}
        self._running: list[tuple[Module, bool]] = []  # and whether it is going backward
        self._open: dict[tuple[int, str], list[Step]] = {}  # those that wait for their backward

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation, and record it."""
        with unobserved():
            result, _ = serve(reference, args, options)
        module, backward = self._running[-1] if self._running else (None, False)
        kind = reference.__name__
        first = result[0] if isinstance(result, tuple) else result
        if backward:
            base = kind.removesuffix("_backward")
            waiting = self._open.get((id(module), base), [])
            if base != kind and waiting and not _is_leaf(module):
                _close(waiting.pop(), args[0], first)
        elif kind in KINDS:
            weights = {
                name: args[i]
                for i, name in PARAMETERS.get(kind, {}).items()
                if i < len(args) and args[i] is not None
            }
            step = Step(
                self._name(module, kind),
                kind,
                np.array(args[0]),
                np.array(first),
                weights=weights,
                used=list(weights.values()),
                call=(reference, args, options),
            )
            self.steps.append(step)
            self._open.setdefault((id(module), kind), []).append(step)
        return result

    def layer(
        self,
        method: Callable[..., Any],
        module: Module,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward` or `backward`; of a layer's backward, record the gradients."""
        if self._running and self._running[-1][0] is module:  # inherited, called by an override
            return method(module, *inputs, **options)
        backward = method.__name__ == "backward"
        self._running.append((module, backward))
        try:
            result = method(module, *inputs, **options)
        finally:
            self._running.pop()
        if backward and _is_leaf(module):
            own = [steps for (owner, _), steps in self._open.items() if owner == id(module)]
            if len(own) == 1 and own[0]:
                _close(own[0].pop(), inputs[0], result)
        return result

    def _name(self, module: Module | None, kind: str) -> str:
        name = self._names.get(id(module), type(module).__name__)
        if module is not None and _is_leaf(module):
            return name or kind
        return f"{name}.{kind}" if name else kind


def _is_leaf(module: Module | None) -> bool:
    return module is not None and next(module.children(), None) is None


def _close(step: Step, dy: Any, dx: Any) -> None:
    """Record the gradients, if they are those of this step's arrays."""
    if np.shape(dy) == step.y.shape and np.shape(dx) == step.x.shape:
        step.dy, step.dx = np.array(dy), np.array(dx)
