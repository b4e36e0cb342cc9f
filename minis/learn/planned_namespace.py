"""The functions of planned arrays: the namespace that `array_namespace` returns for them.

What is not defined here is NumPy's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .planned_array import Planned, lost
from .receptive_field import hull


def zeros(shape: Any, dtype: Any = float) -> Planned:
    """Plan a new array."""
    return Planned((shape,) if isinstance(shape, int) else tuple(shape), dtype)


empty = ones = zeros


def full(shape: Any, value: Any, dtype: Any = None) -> Planned:
    """Plan an array of a value."""
    return zeros(shape, dtype or np.asarray(value).dtype)


def ascontiguousarray(a: Any) -> Any:
    """Return a part of an array as a copy, anything else as it is."""
    return a.copy() if isinstance(a, Planned) and a.whole else a


def _like(a: Any, *value: Any, dtype: Any = None, **options: Any) -> Planned:
    return Planned(a.shape, dtype or a.dtype, batched=a.batched)


def _concatenate(arrays: Any, axis: int = 0, **options: Any) -> Planned:
    first = next(a for a in arrays if isinstance(a, Planned))
    shape = list(arrays[0].shape)
    axis %= len(shape)
    if any(np.delete(a.shape, axis).tolist() != np.delete(shape, axis).tolist() for a in arrays):
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ValueError(f"concatenate: all axes but {axis} must agree, got arrays of {shapes}")
    shape[axis] = sum(a.shape[axis] for a in arrays)
    field = hull(*(getattr(a, "field", None) for a in arrays))
    return first.another(tuple(shape), np.result_type(*(a.dtype for a in arrays)), field)


def _where(condition: Any, a: Any, b: Any) -> Planned:
    given = [condition, a, b]
    shape = np.broadcast_shapes(*(np.shape(getattr(i, "like", i)) for i in given))
    dtype = np.result_type(*(getattr(i, "dtype", i) for i in (a, b)))
    planned = [i for i in given if isinstance(i, Planned)]
    return planned[0].another(shape, dtype, hull(*(i.field for i in planned)))


def _repeat(a: Any, repeats: int, axis: int | None = None) -> Planned:
    shape = [math.prod(a.shape)] if axis is None else list(a.shape)
    shape[axis or 0] *= repeats
    return a.another(tuple(shape), a.dtype, a.field if axis in (0, 1) else lost(a.field))


def _method(name: str) -> Callable[..., Any]:
    return lambda a, *args, **options: getattr(a, name)(*args, **options)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.concatenate: _concatenate,
    np.where: _where,
    np.repeat: _repeat,
    **dict.fromkeys((np.zeros_like, np.empty_like, np.ones_like, np.full_like), _like),
    **{
        getattr(np, name): _method(name)
        for name in ("sum", "mean", "max", "min", "reshape", "ravel", "transpose", "swapaxes")
    },
    np.copy: _method("copy"),
}


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return getattr(np, name)
