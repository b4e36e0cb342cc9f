"""Numba's pooling beyond the specs: sizes between fast paths, many tasks, bad input."""

import itertools

import numpy as np
import pytest

import minis
from minis import ops

pytest.importorskip("numba", reason="Numba is not installed")

from .serving import check_threads, declined, served

DTYPES = ("float32", "float64")
SHAPES = (  # one pixel, odd sizes, rows around a vector's length, several tasks
    (1, 1, 1),
    (2, 3, 33),
    (1, 1, 1, 1),
    (1, 2, 2, 2),
    (2, 1, 7, 31),
    (3, 2, 8, 34),
    (2, 5, 65, 70),
    (2, 3, 5, 6, 33),
    (1, 2, 4, 4, 4),
)
WINDOWS = (
    (2, {}),
    (2, {"ceil_mode": True}),
    (2, {"stride": 1}),
    (2, {"padding": 1}),
    (2, {"stride": 5}),
    (2, {"stride": 3, "padding": 1, "ceil_mode": True}),
    (3, {"stride": 2, "padding": 1}),
    (3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    (3, {"stride": 1, "padding": 1}),
    (3, {"stride": 4, "padding": 1}),
    (1, {}),
)
DILATED = (
    (2, {"dilation": 2}),
    (3, {"dilation": 2, "padding": 1}),
    (3, {"dilation": 2, "padding": 2}),
    (4, {"dilation": 3, "padding": 4, "stride": 1}),
)


def draw(shape, dtype, seed=0):
    """Draw values of which many tie, some are −inf and some NaN."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, shape).astype(dtype)
    x[rng.random(shape) < 0.5] = -np.inf
    x[rng.random(shape) < 0.05] = np.nan
    return x


def normal(shape, dtype="float32", seed=1):
    """Draw normally distributed values."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def fits(operation, *arguments, **options):
    """Whether the NumPy text accepts these arguments; the kernel must decline the others."""
    try:
        getattr(ops, operation).reference(*arguments, **options)
    except ValueError:
        assert declined(operation, *arguments, **options)
        return False
    return True


def assert_same(got, expected):
    """Assert equal values and dtypes; NaN equals NaN."""
    np.testing.assert_array_equal(got, expected, strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_max_pool(shape, dtype):
    """Values and indices are the text's, among ties, −inf and NaN; so is the gradient."""
    x = draw(shape, dtype)
    count = 0
    for size, options in (*WINDOWS, *DILATED):
        if not fits("max_pool", x, size, **options):
            continue
        count += 1
        y, indices = served("max_pool", x, size, **options)
        expected = ops.max_pool.reference(x, size, **options)
        assert_same(y, expected[0])
        assert_same(indices, expected[1])
        dy = normal(y.shape, dtype)
        (got,) = served("max_pool_backward", dy, indices, shape)
        expected = ops.max_pool_backward.reference(dy, indices, shape)
        assert got.dtype == dtype
        np.testing.assert_allclose(
            got, expected, rtol=0, atol=1e-14 if dtype == "float64" else 1e-5
        )
    assert count >= 3


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_avg_pool(shape, dtype):
    """Means are the text's to the bit, whatever is counted; so is the gradient."""
    x = normal(shape, dtype)
    count = 0
    for (size, window), include in itertools.product(WINDOWS, (True, False)):
        options = {**window, "count_include_pad": include}
        if not fits("avg_pool", x, size, **options):
            continue
        count += 1
        (y,) = served("avg_pool", x, size, **options)
        assert_same(y, ops.avg_pool.reference(x, size, **options))
        dy = normal(y.shape, dtype, seed=2)
        (got,) = served("avg_pool_backward", dy, shape, size, **options)
        assert_same(got, ops.avg_pool_backward.reference(dy, shape, size, **options))
    assert count >= 6


@pytest.mark.parametrize("size", [(1, 2, 2), (3, 2, 2), (2, 1, 3), (2, 3, 2)])
@pytest.mark.parametrize("stride", [(1, 2, 2), (2, 1, 2), (3, 4, 1)])
def test_windows_of_other_extents(size, stride):
    """Two cells along the last axis, and any number along the others."""
    x = normal((2, 2, 7, 9, 22))
    for got, expected in zip(
        served("max_pool", x, size, stride=stride),
        ops.max_pool.reference(x, size, stride=stride),
        strict=True,
    ):
        assert_same(got, expected)
    (y,) = served("avg_pool", x, size, stride=stride)
    assert_same(y, ops.avg_pool.reference(x, size, stride=stride))
    (dx,) = served("avg_pool_backward", y, x.shape, size, stride=stride)
    assert_same(dx, ops.avg_pool_backward.reference(y, x.shape, size, stride=stride))


@pytest.mark.parametrize("kind", ["int64", "int32", "uint16"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_unpooling_in_any_order(dtype, kind):
    """Indices that don't rise, of several chunks, with repetitions: the last one stays."""
    rng = np.random.default_rng(3)
    x = normal((2, 3, 50, 61), dtype)
    indices = rng.integers(0, 70 * 90, x.shape).astype(kind)
    (y,) = served("max_unpool", x, indices, (70, 90))
    assert_same(y, ops.max_unpool.reference(x, indices, (70, 90)))
    (dx,) = served("max_unpool_backward", y, indices)
    assert_same(dx, ops.max_unpool_backward.reference(y, indices))
    (got,) = served("max_pool_backward", x, indices, y.shape)
    expected = ops.max_pool_backward.reference(x, indices, y.shape)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bad", [-1, 35, 2**40, -(2**63)])
@pytest.mark.parametrize("at", [0, 1500, 2999])
def test_an_index_beyond_the_plane(bad, at):
    """The text's error, wherever the index stands; nothing is written outside."""
    x, dy = normal((1, 2, 3000)), normal((1, 2, 5, 7))
    indices = np.random.default_rng(0).integers(0, 35, x.shape)
    indices[0, 1, at] = bad
    with minis.use("numba"):
        with pytest.raises(ValueError, match="indices must lie in 0 … 34"):
            ops.max_unpool(x, indices, 35)
        with pytest.raises(ValueError, match="indices must lie in 0 … 34"):
            ops.max_pool_backward(x, indices, (1, 2, 35))
        with pytest.raises(ValueError, match="indices must lie in 0 … 34"):
            ops.max_unpool_backward(dy, indices.reshape(1, 2, 60, 50))


def test_index_of_an_unsigned_type():
    """What would be negative as a signed integer is too large."""
    indices = np.full((1, 1, 2), 2**64 - 1, np.uint64)
    with minis.use("numba"), pytest.raises(ValueError, match="indices must lie"):
        ops.max_unpool(normal((1, 1, 2)), indices, 4)


def test_memory_in_another_order():
    """Strided, reversed and transposed arrays give what contiguous ones give."""
    x = draw((2, 3, 20, 40), "float32")
    y, indices = served("max_pool", x, 2)
    for view in (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, 3)[..., ::2],
        lambda a: a[::-1][::-1],
    ):
        for got, expected in zip(served("max_pool", view(x), 2), (y, indices), strict=True):
            assert_same(got, expected)
        assert_same(served("avg_pool", view(x), 2)[0], served("avg_pool", x, 2)[0])
        (dx,) = served("max_pool_backward", y, indices, x.shape)
        assert_same(served("max_pool_backward", view(y), view(indices), x.shape)[0], dx)
        (unpooled,) = served("max_unpool_backward", x, indices)
        assert_same(served("max_unpool_backward", view(x), view(indices))[0], unpooled)


def test_result_does_not_depend_on_the_number_of_threads():
    """One thread and two give the same bits."""
    x = normal((2, 7, 66, 130))
    y, indices = ops.max_pool.reference(x, 3, stride=2, padding=1)
    check_threads("max_pool", x, 3, stride=2, padding=1)
    check_threads("max_pool_backward", y, indices, x.shape)
    check_threads("max_unpool", y, indices, x.shape[2:])
    check_threads("max_unpool_backward", x, indices)
    check_threads("avg_pool", x, 3, stride=2, padding=1)
    check_threads("avg_pool_backward", y, x.shape, 3, stride=2, padding=1)


def test_a_stride_that_no_window_takes():
    """Costs no memory."""
    x = normal((2, 2, 5, 6))
    (y, indices), (mean,) = (served(name, x, 4, stride=2**30) for name in ("max_pool", "avg_pool"))
    expected = ops.max_pool.reference(x, 4, stride=2**30)
    assert_same(y, expected[0])
    assert_same(indices, expected[1])
    assert_same(mean, ops.avg_pool.reference(x, 4, stride=2**30))


X = normal((1, 2, 6))
I = np.zeros((1, 2, 3), np.int64)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("max_pool", (X, 2.0), {}),
        ("max_pool", (X, (2, 2)), {}),
        ("max_pool", (X, 7), {}),
        ("max_pool", (X, 2), {"padding": 2}),
        ("max_pool", (X, 2), {"stride": 0}),
        ("max_pool", (X, 2), {"dilation": 0}),
        ("max_pool", (X, 2), {"ceil_mode": "yes"}),
        ("max_pool", (X.astype(int), 2), {}),
        ("max_pool", (X[0], 2), {}),
        ("max_pool", (X[:0], 2), {}),
        ("max_pool_backward", (X, I, X.shape), {}),
        ("max_pool_backward", (X[..., :3], I, (1, 3, 6)), {}),
        ("max_pool_backward", (X[..., :3], I, (1, 2, 0)), {}),
        ("max_pool_backward", (X[..., :3], I, (1, 2)), {}),
        ("max_pool_backward", (X[..., :3], I.astype(float), X.shape), {}),
        ("max_unpool", (X, I, 6), {}),
        ("max_unpool", (X[..., :3], I, (6, 6)), {}),
        ("max_unpool", (X[..., :3], I, 0), {}),
        ("max_unpool_backward", (X, I[:, :1]), {}),
        ("max_unpool_backward", (X, I[..., None]), {}),
        ("avg_pool", (X, 2), {"count_include_pad": 1}),
        ("avg_pool", (X, 2), {"padding": -1}),
        ("avg_pool_backward", (X, X.shape, 2), {}),
        ("avg_pool_backward", (X[..., :3], (1, 3, 6), 2), {}),
        ("avg_pool_backward", (X[..., :3], None, 2), {}),
    ],
)
def test_what_is_declined(name, arguments, options):
    """Whatever is malformed, or not served, is left to the text."""
    assert declined(name, *arguments, **options)
