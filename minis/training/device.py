"""Batches where the model is: in the computer's memory or the GPU's."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import array_namespace
from ..nn.module import Module


def to_device_of(model: Module, value: Any) -> Any:
    """Move arrays to where a model's parameters are.

    Parameters
    ----------
    model : Module
        One without parameters counts as being in the computer's memory.
    value : array, or a list, tuple or dict of these, nested at will
        Anything else stays as it is.

    Returns
    -------
    the same structure
        Arrays that are there already are not copied.

    Examples
    --------
    >>> to_device_of(Module(), {"boxes": np.zeros(2)})
    {'boxes': array([0., 0.])}
    """
    parameter = next(model.parameters(), None)
    xp: Any = np if parameter is None else array_namespace(parameter.data)
    return _moved(value, xp)


def to_host(array: Any) -> np.ndarray:
    """Return an array as a NumPy array, not copied if it is one.

    Examples
    --------
    >>> to_host(np.zeros(2))
    array([0., 0.])
    """
    return array if isinstance(array, np.ndarray) else array.get()


def _moved(value: Any, xp: Any) -> Any:
    if isinstance(value, dict):
        return {name: _moved(item, xp) for name, item in value.items()}
    if isinstance(value, list | tuple):
        moved = [_moved(item, xp) for item in value]
        return tuple(moved) if isinstance(value, tuple) else moved
    if not hasattr(value, "dtype") or array_namespace(value) is xp:
        return value
    return to_host(value) if xp is np else xp.asarray(value)
