"""Where the first NaN or infinity came from.

When a loss isn't finite, the batch is run again with every module watched. A module that
returns something non-finite stops the run: the innermost returns first, so the first to be seen
is where the number arose, and not one of those that only passed it on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..backend import array_namespace
from ..nn.module import Module, Parameter


class NonFiniteLossError(ArithmeticError):
    """The loss, a gradient or a parameter became NaN or infinite.

    Attributes
    ----------
    step : int
        The step that failed, from 1.
    """

    def __init__(self, step: int, explanation: str) -> None:
        super().__init__(f"step {step}: {explanation}")
        self.step = step


class _Found(Exception):
    """Ends the search; its text is what was found."""


def all_finite(value: Any) -> bool:
    """Say whether every floating number in a value is finite.

    Parameters
    ----------
    value : array, number, or a list, tuple or dict of these, nested at will
        Anything else counts as finite.

    Returns
    -------
    bool

    Examples
    --------
    >>> all_finite({"a": np.ones(2), "b": [1, float("nan")]})
    False
    """
    if isinstance(value, dict):
        return all(all_finite(v) for v in value.values())
    if isinstance(value, list | tuple):
        return all(all_finite(v) for v in value)
    kind = getattr(getattr(value, "dtype", None), "kind", "f" if isinstance(value, float) else "")
    return kind not in ("f", "c") or bool(array_namespace(value).isfinite(value).all())


def run_model(model: Module, inputs: Any) -> Any:
    """Call the model: a tuple is spread over the arguments of `forward`."""
    return model(*inputs) if isinstance(inputs, tuple) else model(inputs)


def run_backward(model: Module, d_outputs: Any) -> Any:
    """Call the model's backward: without an argument where the gradient is None."""
    backward: Callable[..., Any] = model.backward
    return backward() if d_outputs is None else backward(d_outputs)


def explain_loss(model: Module, inputs: Any, targets: Any) -> str:
    """Say where the first non-finite number of a batch's forward pass arises.

    Buffers and generators move as in any forward pass: whoever calls it puts them back (see
    `Snapshot`). What the modules remember is as before, and no hook is left behind.

    Parameters
    ----------
    model : Module
    inputs, targets
        The batch.

    Returns
    -------
    str
        A sentence that names the input, a layer, the targets or the loss.

    Examples
    --------
    >>> class Log(Module):
    ...     def forward(self, x):
    ...         return np.log(x)
    >>> class Net(Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.log = Log()
    ...     def forward(self, x):
    ...         return 2 * self.log(x)
    >>> explain_loss(Net(), np.array([0.0, 1.0]), None)
    "the first layer whose output isn't finite is 'log' (Log): 1 of 2 numbers, from inputs of at most 1"
    """  # noqa: E501 - the sentence is one line
    if not all_finite(inputs):
        return "the input isn't finite: look at the images and their augmentation"
    remembered = [(module, list(module._remembered)) for _, module in model.modules()]
    try:
        with _watched(model, "forward", _check_forward):
            run_model(model, inputs)
    except _Found as found:
        return str(found)
    finally:
        for module, values in remembered:
            module._remembered[:] = values
    if not all_finite(targets):
        return "every layer's output is finite, but the targets are not"
    return "every layer's output is finite: the loss function made it so from finite numbers"


def explain_gradient(model: Module, inputs: Any, outputs_to_gradient: Callable[[Any], Any]) -> str:
    """Say where the first non-finite number of a batch's backward pass arises.

    As `explain_loss`, but gradients are overwritten.

    Parameters
    ----------
    model : Module
    inputs
        The batch's.
    outputs_to_gradient : callable
        From the model's outputs to the gradient of the loss with respect to them.

    Returns
    -------
    str
        A sentence that names the loss or a layer.
    """
    model.zero_grad()
    try:
        d_outputs = outputs_to_gradient(run_model(model, inputs))
        if not all_finite(d_outputs):
            return "the gradient that the loss function returns isn't finite"
        with _watched(model, "backward", _check_backward):
            run_backward(model, d_outputs)
    except _Found as found:
        return str(found)
    finally:
        model.zero_grad()
    return "no single layer makes it: it grows where gradients are added up"


@contextmanager
def _watched(model: Module, method: str, check: Callable[..., None]) -> Iterator[None]:
    """Run `check(name, module, given, result)` after each module's forward or backward.

    Before it, with `result` None, so that numbers that a network computes between its layers
    are laid at its own door.
    """

    def watch(name: str, module: Module, original: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*given: Any, **options: Any) -> Any:
            check(name, module, given, None)
            result = original(*given, **options)
            check(name, module, given, result)
            return result

        return watching

    modules: dict[int, tuple[str, Module]] = {}
    for name, module in model.modules():
        modules.setdefault(id(module), (name, module))
    before = [(module, vars(module).get(method)) for _, module in modules.values()]
    try:
        for name, module in modules.values():
            setattr(module, method, watch(name, module, getattr(module, method)))
        with np.errstate(all="ignore"):  # the first run has warned already
            yield
    finally:
        for module, original in before:
            vars(module).pop(method, None)
            if original is not None:
                setattr(module, method, original)


def _check_forward(name: str, module: Module, given: Any, result: Any) -> None:
    if not all_finite(given):
        raise _Found(f"what the network passes to layer {_label(name, module)} isn't finite")
    if not all_finite(result):
        guilty = [n for n, p in _own_parameters(module) if not all_finite(p.data)]
        cause = f"its parameter {guilty[0]!r} isn't finite itself" if guilty else _sizes(given)
        raise _Found(
            f"the first layer whose output isn't finite is {_label(name, module)}: "
            f"{_count(result)}, {cause}"
        )


def _check_backward(name: str, module: Module, given: Any, result: Any) -> None:
    if not all_finite(given):
        raise _Found(f"what flows back into layer {_label(name, module)} isn't finite")
    guilty = [n for n, p in _own_parameters(module) if not all_finite(p.grad)]
    if not all_finite(result) or guilty:
        what = f"the gradient of {guilty[0]!r}" if guilty else "the gradient of its input"
        raise _Found(
            f"the first layer whose backward isn't finite is {_label(name, module)}: {what}, "
            f"{_sizes(given)}"
        )


def _own_parameters(module: Module) -> list[tuple[str, Parameter]]:
    return [(name, value) for name, value in vars(module).items() if isinstance(value, Parameter)]


def _label(name: str, module: Module) -> str:
    return f"{name!r} ({type(module).__name__})" if name else f"{type(module).__name__} itself"


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [array for item in value for array in _arrays(item)]
    if isinstance(value, float):
        return [np.asarray(value)]
    return [value] if getattr(getattr(value, "dtype", None), "kind", "") == "f" else []


def _count(result: Any) -> str:
    arrays = _arrays(result)
    bad = sum(int((~array_namespace(a).isfinite(a)).sum()) for a in arrays)
    return f"{bad} of {sum(a.size for a in arrays)} numbers"


def _sizes(given: Any) -> str:
    largest = max((float(abs(a).max()) for a in _arrays(given) if a.size), default=0.0)
    return f"from inputs of at most {largest:.3g}"
