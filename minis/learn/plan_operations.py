"""What an operation would return, given arrays that have only a shape.

An empty batch is legal everywhere and costs nothing. So the operation's own NumPy text runs on no
samples: it checks its arguments as ever, and what it returns has the right shape and dtype but for
the number of samples, which is put back. A weight is a single number, repeated without taking
memory. Only what takes memory without any samples has a rule of its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ops.checks import check_float, check_shape, check_spatial
from ..ops.pool_geometry import pool_geometry
from .planned_array import Planned
from .receptive_field import after, pool_window

Reference = Callable[..., Any]


def planned_result(reference: Reference, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Plan an operation.

    Parameters
    ----------
    reference : function
        Its NumPy text, such as `ops.conv.reference`.
    args, options
        Its arguments; the arrays are `Planned`, or weights.

    Returns
    -------
    Planned, or tuple of Planned

    Raises
    ------
    TypeError, ValueError
        As the operation.

    Examples
    --------
    >>> x = Planned((8, 3, 512, 512), np.float32)
    >>> w = np.broadcast_to(np.float32(0), (64, 3, 7, 7))
    >>> planned_result(ops.conv.reference, (x, w), {"stride": 2, "padding": 3})
    Planned((8, 64, 256, 256), float32)
    """
    name = reference.__name__
    call = _signature(reference).bind(*args, **options)
    call.apply_defaults()
    a = dict(call.arguments)
    if name in _FORWARD:
        return _gradients(name, a)
    planned = (
        _pooled(name, a) if name in ("max_pool", "avg_pool") else _on_no_samples(reference, call)
    )
    if name.endswith("_backward"):
        return planned
    first, *others = planned if isinstance(planned, tuple) else (planned,)
    first.field = after(name, a)
    if name == "max_pool":
        others[0].field, others[0].window = first.field, pool_window(first.ndim - 2, a)
    return planned


def _on_no_samples(reference: Reference, call: inspect.BoundArguments) -> Any:
    a = dict(call.arguments)
    counts = {len(v) for v in a.values() if _has_samples(v)}
    lone = reference.__name__ == "batch_norm" and a["training"] and _values_per_channel(a["x"]) == 1
    if lone or len(counts) > 1:  # which it may refuse, but not on an empty batch
        result = _on_all(reference, call)
    else:
        call.arguments.update({key: _without_samples(key, v) for key, v in a.items()})
        try:
            result = reference(*call.args, **call.kwargs)
        except (TypeError, ValueError):  # so that its text names the shapes as they are
            call.arguments.update(a)
            result = _on_all(reference, call)
    return _with_samples(result, min(counts, default=0))


def _on_all(reference: Reference, call: inspect.BoundArguments) -> Any:
    """Run an operation that is expected to refuse its arguments."""
    whole = {k: v.like if isinstance(v, Planned) else v for k, v in call.arguments.items()}
    call.arguments.update(whole)
    return reference(*call.args, **call.kwargs)


def _pooled(name: str, a: dict[str, Any]) -> Any:
    """Plan a pooling, whose text numbers all cells of a map, samples or none."""
    x = a["x"]
    check_float(name, x=x)
    check_spatial(name, x=x)
    size, stride, padding = a["size"], a["stride"], a["padding"]
    g = pool_geometry(name, x, size, stride, padding, a.get("dilation", 1), a["ceil_mode"])
    y = Planned((*x.shape[:2], *g.out), x.dtype)
    return y if name == "avg_pool" else (y, Planned(y.shape, np.int64))


# the gradients of weights, large and without samples, get their shapes from the weights
_FORWARD = {
    "conv_backward": ops.conv,
    "conv_transpose_backward": ops.conv_transpose,
    "linear_backward": ops.linear,
}


def _gradients(name: str, a: dict[str, Any]) -> tuple[Planned, Planned, Planned]:
    options = {key: v for key, v in a.items() if key not in ("dy", "x", "w")}
    dy, x, w = a["dy"], a["x"], a["w"]
    y = planned_result(_FORWARD[name].reference, (x, w), options)
    check_float(name, dy=dy, x=x, w=w)
    check_shape(name, y.shape, dy=dy)
    channels = y.shape[-1 if name == "linear_backward" else 1]
    dw, db = (Planned(shape, w.dtype, batched=False) for shape in (w.shape, (channels,)))
    return Planned(x.shape, x.dtype), dw, db


def _has_samples(value: Any) -> bool:
    return isinstance(value, Planned) and value.batched and value.ndim > 0


def _without_samples(name: str, value: Any) -> Any:
    if name == "input_shape":
        return (0, *value[1:])
    if _has_samples(value):
        return np.empty((0, *value.shape[1:]), value.dtype)
    return value.like if isinstance(value, Planned) else value


def _with_samples(result: Any, samples: int) -> Any:
    if isinstance(result, tuple):
        return tuple(_with_samples(r, samples) for r in result)
    batched = result.shape[:1] == (0,)
    shape = (samples, *result.shape[1:]) if batched else result.shape
    return Planned(shape, result.dtype, batched=batched)


def _values_per_channel(x: Any) -> int:
    return int(x.size // max(1, x.shape[1])) if x.ndim > 1 else 0


@functools.cache
def _signature(reference: Reference) -> inspect.Signature:
    return inspect.signature(reference)
