"""Numba's resizing beyond the specs: sizes between fast paths, many tasks, bad input."""

import numpy as np
import pytest

import minis
from minis import ops

pytest.importorskip("numba", reason="Numba is not installed")

from .serving import check_threads, declined, served

MODES = (("nearest", False), ("linear", False), ("linear", True))
SIZES = (  # from, to: doubled, one pixel, kept, shrunk to a part and to one, rows of any length
    ((1,), (2,)),
    ((2,), (4,)),
    ((37,), (74,)),
    ((3,), (1000,)),
    ((1000,), (3,)),
    ((1, 1), (3, 5)),
    ((5, 18), (10, 36)),
    ((6, 33), (6, 33)),
    ((6, 33), (13, 66)),
    ((9, 40), (2, 17)),
    ((70, 90), (140, 180)),
    ((2, 3, 4), (4, 6, 8)),
    ((3, 5, 17), (1, 9, 34)),
    ((2, 2, 1), (7, 1, 3)),
    ((4, 40, 50), (8, 80, 100)),
    ((5, 4, 6), (2, 8, 12)),
)


def normal(shape, dtype="float32", seed=0):
    """Draw normally distributed values."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("mode", "align_corners"), MODES)
@pytest.mark.parametrize(("size", "out"), SIZES, ids=str)
def test_any_size(size, out, mode, align_corners, dtype):
    """The result is the text's to the bit; the gradient up to rounding."""
    options = {"mode": mode, "align_corners": align_corners}
    x = normal((2, 3, *size), dtype)
    (y,) = served("interpolate", x, out, **options)
    np.testing.assert_array_equal(y, ops.interpolate.reference(x, out, **options), strict=True)
    dy = normal(y.shape, dtype, seed=1)
    (got,) = served("interpolate_backward", dy, x.shape, **options)
    expected = ops.interpolate_backward.reference(dy, x.shape, **options)
    assert got.dtype == dtype
    atol = (1e-6 if dtype == "float32" else 1e-14) * np.abs(expected).max()
    np.testing.assert_allclose(got, expected, rtol=0, atol=4 * atol)


@pytest.mark.parametrize(("mode", "align_corners"), MODES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("size", "out"), [((4, 6), (8, 12)), ((3, 5, 4), (4, 5, 8))])
def test_what_is_not_finite(value, size, out, mode, align_corners):
    """It reaches the same places as in the text, forward and backward."""
    options = {"mode": mode, "align_corners": align_corners}
    x = normal((2, 2, *size))
    x[1, 1].flat[[0, 7, -1]] = value, -value, value
    with np.errstate(invalid="ignore"), minis.use("numba"):
        expected = ops.interpolate.reference(x, out, **options)
        np.testing.assert_array_equal(ops.interpolate(x, out, **options), expected)
        dy = normal((2, 2, *out))
        dy[1, 0].flat[11] = value
        expected = ops.interpolate_backward.reference(dy, x.shape, **options)
        got = ops.interpolate_backward(dy, x.shape, **options)
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(expected))


def test_memory_in_another_order():
    """Strided and transposed arrays give what contiguous ones give."""
    x = normal((2, 3, 9, 20))
    for mode, align_corners in MODES:
        options = {"mode": mode, "align_corners": align_corners}
        (y,) = served("interpolate", x, (18, 40), **options)
        (dx,) = served("interpolate_backward", y, x.shape, **options)
        for view in (np.asfortranarray, lambda a: np.repeat(a, 2, 3)[..., ::2]):
            (got,) = served("interpolate", view(x), (18, 40), **options)
            np.testing.assert_array_equal(got, y)
            (got,) = served("interpolate_backward", view(y), x.shape, **options)
            np.testing.assert_array_equal(got, dx)


def test_result_does_not_depend_on_the_number_of_threads():
    """One thread and two give the same bits."""
    x = normal((2, 3, 6, 40, 50))
    for mode, align_corners in MODES:
        options = {"mode": mode, "align_corners": align_corners}
        check_threads("interpolate", x, (9, 80, 100), **options)
        dy = normal((2, 3, 9, 80, 100), seed=1)
        check_threads("interpolate_backward", dy, x.shape, **options)


X = normal((1, 2, 6))


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("interpolate", (X, 0), {}),
        ("interpolate", (X, 2.5), {}),
        ("interpolate", (X, (2, 2)), {}),
        ("interpolate", (X, 3), {"mode": "cubic"}),
        ("interpolate", (X, 3), {"mode": None}),
        ("interpolate", (X, 3), {"align_corners": "yes"}),
        ("interpolate", (X.astype(int), 3), {}),
        ("interpolate", (X[0], 3), {}),
        ("interpolate", (X[:0], 3), {}),
        ("interpolate", (X[..., :0], 3), {}),
        ("interpolate_backward", (X, (1, 3, 4)), {}),
        ("interpolate_backward", (X, (1, 2, 0)), {}),
        ("interpolate_backward", (X, (1, 2)), {}),
        ("interpolate_backward", (X, None), {}),
        ("interpolate_backward", (X, (1, 2, 4)), {"mode": "area"}),
    ],
)
def test_what_is_declined(name, arguments, options):
    """Whatever is malformed, or not served, is left to the text."""
    assert declined(name, *arguments, **options)
