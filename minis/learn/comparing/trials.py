"""What a divergence comes from, found by calling our operation again with one thing changed.

If our operation, with its bias left away, gives their result, then theirs has no bias. That is a
stronger answer than a likeness of two arrays.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ...backend import use
from ...observer import unobserved
from .step import Step, difference

Trial = tuple[str, Callable[[], Any]]
PADDED = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}  # NumPy's and PyTorch's


def explained(step: Step, theirs: Any, tolerance: float) -> list[str]:
    """Return what our operation would have to be called with to give `theirs`.

    Parameters
    ----------
    step : Step
        One of ours, with its call.
    theirs : array
        Their result, of the same input.
    tolerance : float
        See `difference`.

    Examples
    --------
    >>> from minis import ops
    >>> x, w, b = np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), np.ones(1)
    >>> step = Step("a", "conv", x, ops.conv(x, w, b), call=(ops.conv.reference, (x, w, b), {}))
    >>> explained(step, ops.conv(x, w), 1e-9)
    ['theirs has no bias']
    """
    if step.call is None or step.kind not in TRIALS:
        return []
    found = []
    with unobserved(), use("numpy"):
        for told, attempt in TRIALS[step.kind](*step.call):
            try:
                result = attempt()
            except (ValueError, TypeError, IndexError):
                continue  # such a call there isn't
            first = result[0] if isinstance(result, tuple) else result
            if difference(first, theirs) <= tolerance < difference(first, step.y):
                found.append(told)
    return found


def convolution(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Iterator[Trial]:
    """Other filters, no bias, other geometry, another padding than zeros."""
    x, w, *rest = args
    b = rest[0] if rest else None
    kernel = tuple(range(2, w.ndim))

    def again(told: str, w: Any = w, b: Any = b, x: Any = x, **changed: Any) -> Trial:
        return told, lambda: function(x, w, b, **{**options, **changed})

    if b is not None:
        yield again("theirs has no bias", b=None)
    if len(kernel) > 1:
        yield again(
            "their filters are ours transposed (the last two axes swapped)", w=w.swapaxes(-1, -2)
        )
    yield again(
        "their filters are ours mirrored (convolution, not correlation)", w=np.flip(w, kernel)
    )
    yield again("their filters are ours with input and output channels swapped", w=w.swapaxes(0, 1))
    for name, values in (("padding", range(5)), ("stride", range(1, 4)), ("dilation", range(1, 4))):
        for value in values:
            if value != options.get(name):
                given = options.get(name, int(name != "padding"))
                yield again(f"theirs has {name}={value}, ours {given}", **{name: value})
    padding = options.get("padding", 0)
    if function.__name__ == "conv" and np.any(padding):
        sides = np.broadcast_to(padding, len(kernel)).tolist()
        for mode, name in PADDED.items():
            padded = _padded(x, sides, mode)
            if padded is not None:
                yield again(f"theirs pads by {name}, ours with zeros", x=padded, padding=0)


def _padded(x: Any, sides: list[int], mode: Any) -> Any:
    try:
        return np.pad(x, [(0, 0), (0, 0), *((s, s) for s in sides)], mode=mode)
    except ValueError:
        return None


def pooling(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Iterator[Trial]:
    """The other pooling, other windows, other rounding."""
    from ... import ops

    x, size, *_ = args
    maximum = function.__name__ == "max_pool"
    both = {k: v for k, v in options.items() if k in ("stride", "padding", "ceil_mode")}
    other = ops.avg_pool.reference if maximum else ops.max_pool.reference
    yield (
        f"theirs takes the {'mean' if maximum else 'maximum'} of each window",
        lambda: other(x, size, **both),
    )
    changes: list[tuple[str, Any]] = [("ceil_mode", not options.get("ceil_mode", False))]
    if not maximum:
        changes.append(("count_include_pad", not options.get("count_include_pad", True)))
    changes += [("padding", p) for p in range(3)] + [("stride", s) for s in range(1, 4)]
    for name, value in changes:
        if value != options.get(name):
            yield _changed(function, args, options, name, value)
    fixed = {**options, "stride": options.get("stride") or size}
    for window in range(1, 5):
        if window != size:
            yield (
                f"theirs has windows of {window}, ours of {size}",
                partial(function, x, window, **fixed),
            )


def _changed(
    function: Any, args: tuple[Any, ...], options: dict[str, Any], name: str, value: Any
) -> Trial:
    given = options.get(name, inspect.signature(function).parameters[name].default)
    told = f"theirs has {name}={value!r}, ours {'none' if given is None else repr(given)}"
    return told, lambda: function(*args, **{**options, name: value})


def options_of(**values: tuple[Any, ...]) -> Callable[..., Iterator[Trial]]:
    """Return the trials of an operation that may differ in options, each with its other values."""

    def trials(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Iterator[Trial]:
        for name, others in values.items():
            for value in others:
                if value != options.get(name):
                    yield _changed(function, args, options, name, value)

    return trials


def interpolation(function: Any, args: Any, options: dict[str, Any]) -> Iterator[Trial]:
    """The other mode, corners aligned or not: without it, positions are half a pixel apart."""
    x, size = args
    for mode in ("nearest", "linear"):
        for aligned in (False, True) if mode == "linear" else (False,):
            wanted = {"mode": mode, "align_corners": aligned}
            if wanted != {"align_corners": False, **options}:
                told = f"theirs has mode={mode!r}, align_corners={aligned}"
                shift = " (positions moved by up to half a pixel)" if mode == "linear" else ""
                yield f"{told}{shift}", partial(function, x, size, **wanted)


def linear(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Iterator[Trial]:
    """No bias, or the matrix transposed."""
    x, w, *b = args
    if b and b[0] is not None:
        yield "theirs has no bias", lambda: function(x, w)
    yield "their matrix is ours transposed", lambda: function(x, w.T, *b)


def activation(function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Iterator[Trial]:
    """No activation, or another one."""
    from ... import ops

    x = args[0]
    yield "theirs has no activation here", lambda: x
    others: dict[str, Any] = {
        "ReLU": ops.relu.reference,
        "ELU": ops.elu.reference,
        "a sigmoid": ops.sigmoid.reference,
        "tanh": np.tanh,
        "a leaky ReLU of slope 0.01": lambda x: np.where(x > 0, x, 0.01 * x),
        "a leaky ReLU of slope 0.2": lambda x: np.where(x > 0, x, 0.2 * x),
        "ReLU6": lambda x: np.clip(x, 0, 6),
    }
    for name, other in others.items():
        yield f"theirs is {name}", partial(other, x)


TRIALS: dict[str, Callable[..., Iterator[Trial]]] = {
    "conv": convolution,
    "conv_transpose": convolution,
    "linear": linear,
    "max_pool": pooling,
    "avg_pool": pooling,
    "interpolate": interpolation,
    "roi_align": options_of(aligned=(True, False), sampling_ratio=(-1, 1, 2)),
    "relu": activation,
    "prelu": activation,
    "elu": activation,
    "sigmoid": activation,
    "softmax": options_of(axis=(0, 1, 2, 3, -1)),
    "local_response_norm": options_of(k=(1.0, 2.0), beta=(0.75,), alpha=(1e-4, 5e-4, 5e-5)),
}
