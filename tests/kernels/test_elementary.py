"""The exponential and the logarithm that the kernels use, against those of extended precision."""

import numpy as np
import pytest

pytest.importorskip("numba", reason="Numba is not installed")

from numba import njit

from minis_kernels.numba_cpu import elementary

RNG = np.random.default_rng(0)
SMALL = 10.0 ** RNG.uniform(-30, 0, 10_000)
CASES = {
    "exp": np.concatenate([RNG.uniform(-87, 88, 10_000), -SMALL, SMALL, [0.0]]),
    "expm1": np.concatenate([-RNG.uniform(0, 200, 10_000), -SMALL, [0.0]]),
    "log": np.concatenate([10.0 ** RNG.uniform(-37, 38, 10_000), 1 + SMALL, [1.0, 2.0, 0.5]]),
    "log1p": np.concatenate([RNG.random(10_000), SMALL, [0.0, 1.0]]),
}


def applied(name, x):
    """Apply one of the functions to each number, in compiled code."""
    function = getattr(elementary, name)

    @njit
    def loop(x, y):
        for i in range(len(x)):
            y[i] = function(x[i])

    y = np.empty_like(x)
    loop(x, y)
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_within_two_units_in_the_last_place(name, dtype):
    """Over the whole range that each is for."""
    x = CASES[name].astype(dtype)
    expected = getattr(np, name)(x.astype("longdouble"))
    error = np.abs(applied(name, x) - expected) / np.spacing(np.abs(expected).astype(dtype))
    assert error.max() <= 2, f"{error.max()} units at {x[error.argmax()]}"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_beyond_the_range(dtype):
    """Too small is 0, too large infinite, and NaN stays."""
    inf, nan = np.inf, np.nan
    x = np.array([nan, -inf, -1e4, inf, 1e4], dtype)
    np.testing.assert_array_equal(applied("exp", x), [nan, 0, 0, inf, inf])
    np.testing.assert_array_equal(applied("expm1", x[:3]), [nan, -1, -1])
    np.testing.assert_array_equal(applied("log", x[[0, 3]]), [nan, inf])
    np.testing.assert_array_equal(applied("log1p", x[:1]), [nan])
