"""What a network in PyTorch computes, call by call: its modules, and the functions it calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from .step import CUSTOM, KINDS, Step

# other names of PyTorch for our operations
SYNONYMS = {
    "upsample": "interpolate",
    "upsample_nearest": "interpolate",
    "upsample_bilinear": "interpolate",
    "clamp_min": "relu",
    "leaky_relu": "relu",
    "threshold": "relu",
    "boolean_dispatch": "max_pool",
    "instance_norm": "batch_norm",
}
POINTWISE = ("relu", "elu", "sigmoid")  # those that may write into what they read
PASSED_OVER = ("Identity", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "Flatten")

# the name of what is being called, where PyTorch's functions are called by no module of theirs
called_as: ContextVar[str] = ContextVar("minis_called_as", default="")


def kind_of(name: str) -> str | None:
    """Return our name for a function of PyTorch, or None for one that isn't looked for.

    Examples
    --------
    >>> [kind_of(name) for name in ("conv2d", "relu_", "max_pool2d_with_indices", "matmul")]
    ['conv', 'relu', 'max_pool', None]
    """
    short = re.sub(r"_with_indices$", "", name.strip("_"))
    short = re.sub(r"(?<=[a-z_])[123]d$", "", short)
    short = SYNONYMS.get(short, short)
    return short if short in KINDS else None


@contextmanager
def their_steps(model: Any) -> Iterator[list[Step]]:
    """Record the steps of a PyTorch module that is called in a `with` block.

    Parameters
    ----------
    model : torch.nn.Module

    Yields
    ------
    list of Step
        In the order of the calls; gradients are in them once PyTorch's backward has run. Dropout
        is switched off: it would draw other values than ours.
    """
    from torch.overrides import TorchFunctionMode

    record = _Record()

    class Mode(TorchFunctionMode):
        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return record.called(function, args, kwargs or {})

    with ExitStack() as stack:
        for name, module in model.named_modules():
            if module is not model:
                entering = module.register_forward_pre_hook(record.entering(name))
                leaving = module.register_forward_hook(record.leaving)
                stack.callback(entering.remove)
                stack.callback(leaving.remove)
        stack.enter_context(Mode())
        yield record.steps


class _Record:
    def __init__(self) -> None:
        self.steps: list[Step] = []
        # the name, how many steps there were before, and the step that it becomes itself
        self._running: list[tuple[str, int, list[Step]]] = []

    def entering(self, name: str) -> Any:
        def hook(module: Any, inputs: Any) -> Any:
            itself: list[Step] = []
            self._running.append((name, len(self.steps), itself))
            x = _first(inputs[:1])
            if x is None or x is not inputs[0] or not x.requires_grad or not _is_leaf(module):
                return None
            if getattr(module, "inplace", False):
                return None
            x = x.view_as(x)  # as for a function, see below
            x.register_hook(lambda gradient: _set_gradient(itself, "dx", gradient))
            return (x, *inputs[1:])

        return hook

    def leaving(self, module: Any, inputs: Any, output: Any) -> None:
        """Name the step of a module without parts; one in which none was seen is one itself."""
        name, before, itself = self._running.pop()
        if not _is_leaf(module):
            return
        within = self.steps[before:]
        x, y = _first(inputs), _first(output)
        if len(within) == 1:
            # as a whole: what it does before the operation, such as padding, is part of it
            within[0].name = name
            if x is not None and not getattr(module, "inplace", False):
                within[0].x = _array(x)
                itself.append(within[0])
            if y is not None and tuple(y.shape) != within[0].y.shape:
                self._result(within[0], y)  # the module does more to it
            elif y is not None and bool((y.detach().cpu() != _tensor(within[0].y)).any()):
                self._result(within[0], y)
        elif not within and type(module).__name__ not in PASSED_OVER:
            if x is None or y is None:
                return
            step = Step(name, CUSTOM, _array(x), _array(y), used=list(module.parameters()))
            self._result(step, y)
            self.steps.append(step)
            itself.append(step)

    def called(self, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call one of PyTorch's functions, and record it if it is looked for."""
        name = getattr(function, "__name__", "")
        if re.fullmatch(r"_?(feature_)?(alpha_)?dropout([123]d)?_?", name):
            return args[0] if args else options["input"]
        kind = kind_of(name)
        x: Any = args[0] if args else options.get("input")
        if kind is None or not hasattr(x, "detach"):
            return function(*args, **options)
        step = Step(self._name(kind), kind, _array(x), None)
        step.used = [a for a in (*args[1:], *options.values()) if hasattr(a, "detach")]
        writes = (
            name.endswith("_")
            or options.get("inplace")
            or (kind in POINTWISE and any(a is True for a in args[1:]))
        )
        if x.requires_grad and not writes and args:
            # a view of its own, so that its gradient is that of this call alone
            x = x.view_as(x)
            x.register_hook(lambda gradient: _set_gradient([step], "dx", gradient))
            args = (x, *args[1:])
        result = function(*args, **options)
        names = ("weight", "bias") if kind != "max_unpool" else ()
        weights = [a for a in step.used if getattr(a, "is_leaf", False) and a.requires_grad]
        step.weights = {n: _array(a) for n, a in zip(names, weights, strict=False)}
        self._result(step, _first(result))
        self.steps.append(step)
        return result

    def _name(self, kind: str) -> str:
        outer = self._running[-1][0] if self._running else ""
        return called_as.get() or (f"{outer}.{kind}" if outer else kind)

    def _result(self, step: Step, y: Any) -> None:
        step.y = _array(y)
        if y.requires_grad:
            y.register_hook(lambda gradient: _set_gradient([step], "dy", gradient))


def _is_leaf(module: Any) -> bool:
    return next(module.children(), None) is None


def _set_gradient(steps: list[Step], name: str, gradient: Any) -> None:
    for step in steps:
        setattr(step, name, _array(gradient))


def _first(values: Any) -> Any:
    while isinstance(values, tuple | list) and values:
        values = values[0]
    return values if hasattr(values, "detach") else None


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy().copy()


def _tensor(array: Any) -> Any:
    import torch

    return torch.from_numpy(array)
