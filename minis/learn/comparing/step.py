"""What is compared of two networks: steps, and how far two arrays are apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = Any

# operations that both networks are searched for; all else is what stands between them
KINDS = (
    "conv",
    "conv_transpose",
    "linear",
    "max_pool",
    "max_unpool",
    "avg_pool",
    "interpolate",
    "roi_align",
    "batch_norm",
    "group_norm",
    "local_response_norm",
    "relu",
    "prelu",
    "elu",
    "sigmoid",
    "softmax",
    "log_softmax",
)
CUSTOM = "custom"  # a module of PyTorch in which none of these operations was seen


@dataclass(eq=False)
class Step:
    """One call of an operation in a network.

    Attributes
    ----------
    name : str
        The layer's dotted name; of an operation that is called without a layer, that of the module
        that calls it, and the operation's.
    kind : str
        One of `KINDS`, or `CUSTOM`.
    x, y : array
        What it read first, and its first result.
    dx, dy : array, optional
        The loss's gradients with respect to them.
    weights : dict
        Its parameters, by the names that our layers have for them.
    used : list
        The arrays or tensors behind them, to tell the order in which they are used.
    call : (function, args, options), optional
        Of ours: to call it once more with something changed.
    """

    name: str
    kind: str
    x: Array
    y: Array
    dx: Array = None
    dy: Array = None
    weights: dict[str, Array] = field(default_factory=dict)
    used: list[Any] = field(default_factory=list)
    call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None = None


def difference(ours: Array, theirs: Array) -> float:
    """Return the largest difference of two arrays, as a fraction of the largest value in them.

    It is infinite if shapes differ, or if not the same values are NaN or infinite.

    Examples
    --------
    >>> difference(np.array([1.0, 4.0]), np.array([1.0, 3.0]))
    0.25
    >>> difference(np.zeros(2), np.zeros(3))
    inf
    """
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    if ours.shape != theirs.shape:
        return float("inf")
    finite = np.isfinite(ours)
    if not np.array_equal(finite, np.isfinite(theirs)):
        return float("inf")
    if not np.array_equal(ours[~finite], theirs[~finite], equal_nan=True):
        return float("inf")
    scale = max(np.abs(a[finite]).max(initial=0) for a in (ours, theirs))
    return float(np.abs(ours[finite] - theirs[finite]).max(initial=0) / scale) if scale else 0.0


def flat(values: Any) -> Iterator[Any]:
    """Yield the arrays or tensors in nested lists, tuples and dicts, in order.

    Examples
    --------
    >>> list(flat([1, (2, {"a": 3})]))
    [1, 2, 3]
    """
    if isinstance(values, dict):
        values = list(values.values())
    if isinstance(values, list | tuple):
        for value in values:
            yield from flat(value)
    else:
        yield values


def shaped(values: Any, like: Any) -> Any:
    """Put arrays, given in order, into the lists and tuples that `like` has.

    Examples
    --------
    >>> shaped([1, 2, 3], [0, (0, 0)])
    [1, (2, 3)]
    """
    left = iter(values)

    def build(form: Any) -> Any:
        if isinstance(form, dict):
            return {key: build(value) for key, value in form.items()}
        if isinstance(form, list | tuple):
            return type(form)(build(value) for value in form)
        return next(left)

    return build(like)
