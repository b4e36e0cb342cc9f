"""Calling kernels themselves, so that a test can't pass on the NumPy text behind them."""

from typing import Any

import numba
import numpy as np

import minis_kernels
from minis import ops
from minis.learn.specs.properties import as_tuple, assert_close

TOLERANCE = {"float32": 1e-5, "float64": 1e-13}


def served(name: str, *args: Any, **options: Any) -> tuple[Any, ...]:
    """Call the Numba kernel of an operation, which must not decline."""
    kernel = minis_kernels.find("numba", name)
    assert kernel is not None
    result = kernel(*args, **options)
    assert result is not NotImplemented, f"{name} declined"
    return as_tuple(result)


def declined(name: str, *args: Any, **options: Any) -> bool:
    """Whether the Numba kernel leaves a call to the NumPy text."""
    kernel = minis_kernels.find("numba", name)
    assert kernel is not None
    return kernel(*args, **options) is NotImplemented


def check(name: str, *args: Any, tolerance: float = 1.0, **options: Any) -> tuple[Any, ...]:
    """Assert that the kernel gives what the NumPy text gives; return it.

    `tolerance` is in units of 1e-5 for float32 and of 1e-13 for float64.
    """
    got = served(name, *args, **options)
    expected = as_tuple(getattr(ops, name).reference(*args, **options))
    assert len(got) == len(expected)
    for i, (g, e) in enumerate(zip(got, expected, strict=True)):
        assert g.dtype == e.dtype, f"{name}, result {i}: {g.dtype}, not {e.dtype}"
        assert_close(g, e, tolerance * TOLERANCE[e.dtype.name], f"{name}, result {i}")
    return got


def check_threads(name: str, *args: Any, **options: Any) -> None:
    """Assert that one thread and all of them give the same bits."""
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        one = served(name, *args, **options)
    finally:
        numba.set_num_threads(threads)
    for a, b in zip(one, served(name, *args, **options), strict=True):
        assert np.array_equal(a, b), f"{name} depends on the number of threads"


def normal(rng: Any, *shape: int, dtype: Any = np.float32) -> Any:
    """Draw a normally distributed array."""
    return rng.standard_normal(shape).astype(dtype)
