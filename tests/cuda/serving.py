"""Calling the kernels of a GPU backend themselves, on the CPU or on the GPU."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

import minis_kernels
from minis import ops
from minis.backend import imitated
from minis.learn.specs.properties import as_tuple, assert_close

TOLERANCE = {"float32": 1e-5, "float64": 1e-13}

# (backend, operation) -> calls that its kernel served
served_calls: Counter[tuple[str, str]] = Counter()


def served(backend: str, name: str, *args: Any, **options: Any) -> tuple[Any, ...]:
    """Call the kernel of an operation, which must not decline; NumPy arrays in and out."""
    result = _call(backend, name, args, options)
    assert result is not NotImplemented, f"{name} declined"
    return as_tuple(result)


def declined(backend: str, name: str, *args: Any, **options: Any) -> bool:
    """Whether the kernel leaves a call to the NumPy text."""
    return _call(backend, name, args, options) is NotImplemented


def check(
    backend: str, name: str, *args: Any, tolerance: float = 1.0, **options: Any
) -> tuple[Any, ...]:
    """Assert that the kernel gives what the NumPy text gives; return it.

    `tolerance` is in units of 1e-5 for float32 and of 1e-13 for float64.
    """
    got = served(backend, name, *args, **options)
    expected = as_tuple(getattr(ops, name).reference(*args, **options))
    assert len(got) == len(expected)
    for i, (g, e) in enumerate(zip(got, expected, strict=True)):
        e = np.asarray(e)
        assert g.dtype == e.dtype, f"{name}, result {i}: {g.dtype}, not {e.dtype}"
        limit = TOLERANCE.get(e.dtype.name, 0.0)
        assert_close(g, e, tolerance * limit, f"{name}, result {i}")
    return got


def function_on(backend: str, name: str) -> Callable[..., Any]:
    """Return an operation as `minis.ops` has it under a backend, on NumPy arrays everywhere."""

    def call(*args: Any, **options: Any) -> Any:
        result = _call(backend, name, args, options)
        if result is NotImplemented:
            return getattr(ops, name).reference(*args, **options)
        return result

    return call


def _call(backend: str, name: str, args: Any, options: Any) -> Any:
    kernel = minis_kernels.find(backend, name)
    assert kernel is not None, f"{backend} has no kernel for {name}"
    if imitated(backend):
        result = kernel(*args, **options)
    else:
        result = _here(kernel(*map(_there, args), **{k: _there(v) for k, v in options.items()}))
    if result is not NotImplemented:
        served_calls[backend, name] += 1
    return result


def _there(value: Any) -> Any:
    if not isinstance(value, np.ndarray):
        return value
    import cupy

    return cupy.asarray(value)


def _here(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_here, value))
    return value.get() if hasattr(value, "get") else value
