"""Where an implementation's arrays live: in the computer's memory, or on the GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .cuda.buffers import input_sets
from .cuda.library import library_of
from .task import CPU, CUDA, Arrays


def device_of(implementation: str) -> str:
    """Return the device that an implementation runs on.

    Examples
    --------
    >>> device_of("numba")
    'cpu'
    """
    return CUDA if library_of(implementation) else CPU


def sets(arrays: Arrays, implementation: str) -> list[dict[str, Any]]:
    """Return inputs where an implementation wants them: once, or on a GPU in several copies."""
    library = library_of(implementation)
    return input_sets(arrays, library) if library else [placed(dict(arrays), implementation)]


def placed(value: Any, implementation: str) -> Any:
    """Return arrays, in lists and dictionaries or alone, where an implementation wants them.

    On the CPU they share their memory with what was given.
    """
    return _mapped(value, _putter(implementation))


def moved(model: Any, implementation: str) -> Any:
    """Return a network where an implementation wants it."""
    library = library_of(implementation)
    return library.move(model) if library else model


def in_numpy(array: Any) -> Any:
    """Return a NumPy array, whatever the library and wherever it lives."""
    if hasattr(array, "detach"):  # PyTorch's
        return array.detach().cpu().numpy()
    return array.get() if hasattr(array, "get") else array


def _putter(implementation: str) -> Callable[[Any], Any]:
    library = library_of(implementation)
    if library:
        return library.put
    if implementation == "torch":
        import torch

        return torch.from_numpy  # type: ignore[no-any-return]
    return lambda array: array


def _mapped(value: Any, put: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(item, put) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, put) for item in value]
    return put(value)
