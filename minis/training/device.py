"""The CPU or the GPU: the choice, and batches where the model is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backend import BackendUnavailableError, array_namespace, gpu_problem
from ..nn.module import Module

DEVICES = ("cpu", "cuda", "auto")


def choose_device(name: str) -> str:
    """Turn what a user asks for into what `Module.to` takes.

    Parameters
    ----------
    name : {"cpu", "cuda", "auto"}
        "auto" is the GPU where there is one that can be used, else the CPU.

    Returns
    -------
    {"cpu", "cuda"}

    Raises
    ------
    ValueError
        If there is no such device.
    BackendUnavailableError
        If "cuda" is asked for and can't be used; the text says what is missing.

    Examples
    --------
    >>> choose_device("cpu")
    'cpu'
    """
    if name not in DEVICES:
        raise ValueError(f"no device {name!r}; there are {', '.join(DEVICES)}")
    if name == "cpu":
        return name
    problem = gpu_problem()
    if problem and name == "cuda":
        raise BackendUnavailableError(f"device cuda: {problem}")
    return "cpu" if problem else "cuda"


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
