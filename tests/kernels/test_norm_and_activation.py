"""Kernels of batch norm and activations, where the specs' small shapes don't reach."""

import numpy as np
import pytest

from minis import ops

from .serving import check, check_threads, declined, normal, served

pytest.importorskip("numba", reason="Numba is not installed")

SHAPES = [
    (1, 1),
    (5, 3),
    (1, 1, 1),
    (3, 1, 4097),  # a piece, and one number
    (2, 3, 4096),
    (2, 5, 63, 65),
    (3, 7, 1, 17),
    (2, 3, 5, 29, 31),
    (1, 70, 130, 90),  # several groups of channels
]
DTYPES = ["float32", "float64"]
POINTWISE = ["relu", "elu", "sigmoid"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def spread(rng, *shape, dtype="float32"):
    """Draw values of all sizes, some of them 0."""
    a = normal(rng, *shape, dtype=dtype) * 10.0 ** rng.integers(-3, 2, shape)
    a[rng.random(shape) < 0.1] = 0
    return a.astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SHAPES, (1,), (100_003,)])
def test_pointwise(shape, dtype, rng):
    """Any shape, to the last places, and exactly where nothing is rounded."""
    x, dy = spread(rng, *shape, dtype=dtype), spread(rng, *shape, dtype=dtype)
    for name in POINTWISE:
        (y,) = check(name, x, tolerance=0.1)
        check(f"{name}_backward", dy, y, tolerance=0.1)
    (y,) = served("relu", x)
    assert np.array_equal(y, ops.relu.reference(x))
    assert np.array_equal(*served("relu_backward", dy, y), ops.relu_backward.reference(dy, y))


@pytest.mark.parametrize("dtype", DTYPES)
def test_exponentials_keep_small_numbers(dtype):
    """Near 0, elu(x) is x to the last places; far below it is −alpha."""
    x = -(10.0 ** np.linspace(-30, 3, 500)).astype(dtype)
    (y,) = served("elu", x, 1.5)
    expected = 1.5 * np.expm1(x.astype("longdouble"))
    np.testing.assert_allclose(y, expected, rtol=5 * np.finfo(dtype).eps)
    (y,) = served("sigmoid", x)
    kept = y > np.finfo(dtype).tiny
    expected = 1 / (1 + np.exp(-x.astype("longdouble")))
    np.testing.assert_allclose(y[kept], expected[kept], rtol=5 * np.finfo(dtype).eps)
    assert (expected[~kept] < 1.1 * np.finfo(dtype).tiny).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_and_infinity(dtype):
    """NaN stays, and infinities go where the formulas send them."""
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0] * 9, dtype)
    dy = np.arange(45.0, dtype=dtype)
    for name in POINTWISE:
        y = getattr(ops, name).reference(x)
        np.testing.assert_array_equal(*served(name, x), y)
        with np.errstate(invalid="ignore"):
            expected = getattr(ops, f"{name}_backward").reference(dy, y)
        np.testing.assert_array_equal(*served(f"{name}_backward", dy, y), expected)
    x, dy, a = x.reshape(3, 3, 5), dy.reshape(3, 3, 5), np.array([0.25], dtype)
    np.testing.assert_array_equal(*served("prelu", x, a), ops.prelu.reference(x, a))
    with np.errstate(invalid="ignore"):
        expected = ops.prelu_backward.reference(dy, x, a)
    for got, e in zip(served("prelu_backward", dy, x, a), expected, strict=True):
        np.testing.assert_array_equal(got, e)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("slopes", ["one", "each"])
def test_prelu(shape, dtype, slopes, rng):
    """A slope for all channels, or one for each."""
    x, dy = spread(rng, *shape, dtype=dtype), normal(rng, *shape, dtype=dtype)
    a = normal(rng, shape[1] if slopes == "each" else 1, dtype=dtype)
    check("prelu", x, a)
    check("prelu_backward", dy, x, a, tolerance=3)


def statistics(rng, channels, dtype):
    gamma, beta, mean = (normal(rng, channels, dtype=dtype) for _ in range(3))
    return gamma, beta, mean, np.exp(normal(rng, channels, dtype=dtype))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES[1:2] + SHAPES[3:])
def test_batch_norm(shape, dtype, training, rng):
    """Forward and backward; channels have means and spreads of their own."""
    x, dy = normal(rng, *shape, dtype=dtype), normal(rng, *shape, dtype=dtype)
    per_channel = (-1, *(1 for _ in shape[2:]))
    x *= np.exp(normal(rng, shape[1], dtype=dtype)).reshape(per_channel)
    x += normal(rng, shape[1], dtype=dtype).reshape(per_channel)
    gamma, beta, mean, var = statistics(rng, shape[1], dtype)
    options = {"training": training, "momentum": 0.3, "eps": 1e-3}
    _, mean, inv_std, *_ = check("batch_norm", x, gamma, beta, mean, var, **options, tolerance=3)
    check("batch_norm_backward", dy, x, gamma, mean, inv_std, training=training, tolerance=10)


@pytest.mark.parametrize("mean", [1e2, 1e4, -1e6])
def test_a_large_mean_does_not_hide_the_variance(mean, rng):
    """Statistics in float32 are those of the same numbers in float64."""
    x = (mean + normal(rng, 4, 2, 100, 101)).astype("float32")
    one, zero = np.ones(2, "float32"), np.zeros(2, "float32")
    y, m, inv_std, _, var = served(
        "batch_norm", x, one, zero, zero, one, training=True, momentum=1.0
    )
    exact = x.astype("float64")
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3), ddof=1), rtol=1e-6)
    np.testing.assert_allclose(m, exact.mean(axis=(0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(inv_std, (exact.var(axis=(0, 2, 3)) + 1e-5) ** -0.5, rtol=1e-6)
    np.testing.assert_allclose(y.std(axis=(0, 2, 3)), 1, rtol=1e-4)


def test_an_outlier_does_not_hide_the_variance(rng):
    """Not even if it comes first."""
    x = normal(rng, 1, 1, 200_000, dtype="float64")
    x[0, 0, 0] = 1e5
    one, zero = np.ones(1), np.zeros(1)
    *_, var = served("batch_norm", x, one, zero, zero, one, training=True, momentum=1.0)
    np.testing.assert_allclose(var, x.var(ddof=1), rtol=1e-12)


def test_constant_channels_have_no_variance():
    """Whatever their value: not a rounding error of one."""
    x = np.full((3, 2, 50, 50), 0.1, "float32")
    one, zero = np.ones(2, "float32"), np.zeros(2, "float32")
    y, _, inv_std, *_ = served("batch_norm", x, one, zero, zero, one, training=True, eps=1e-12)
    np.testing.assert_allclose(inv_std, 1e6, rtol=1e-3)
    assert np.abs(y).max() < 1e-2


def test_no_variance_and_no_eps():
    """Division by zero gives infinity and NaN, as in the NumPy text."""
    x, one, zero = np.ones((2, 1, 20), "float32"), np.ones(1, "float32"), np.zeros(1, "float32")
    y, _, inv_std, *_ = served("batch_norm", x, one, zero, zero, one, training=True, eps=0)
    assert np.isinf(inv_std).all()
    assert np.isnan(y).all()


def test_nan_stays_in_its_channel(rng):
    """In training the whole channel is NaN, in evaluation one number."""
    x = normal(rng, 2, 3, 70, 70)
    x[1, 2, 5, 5] = np.nan
    arrays = statistics(rng, 3, "float32")
    y, mean, inv_std, *_ = served("batch_norm", x, *arrays, training=True)
    assert np.isnan(y[:, 2]).all()
    assert np.isfinite(y[:, :2]).all()
    dx, *_ = served("batch_norm_backward", x, x, arrays[0], mean, inv_std, training=True)
    assert np.isnan(dx[:, 2]).all()
    assert np.isfinite(dx[:, :2]).all()
    y, *_ = served("batch_norm", x, *arrays, training=False)
    assert np.isnan(y).sum() == 1
    dy = normal(rng, *x.shape)
    dx, *_ = served("batch_norm_backward", dy, x, *arrays[:2], np.ones(3, "f"), training=False)
    assert np.isfinite(dx).all(), "in evaluation, dx does not depend on x"


def test_other_memory_layouts(rng):
    """Arrays that don't lie in one piece give the same as copies that do."""
    x = normal(rng, 9, 11, 12, 10).transpose(3, 1, 2, 0)[:, ::-2]
    dy = normal(rng, *x.shape)[::-1]
    a = normal(rng, 2 * x.shape[1])[::2]
    statistic = [normal(rng, 2 * x.shape[1])[::2] ** 2 for _ in range(4)]
    check("relu", x)
    check("relu_backward", dy, x)
    check("prelu", x, a)
    check("prelu_backward", dy, x, a)
    check("batch_norm", x, *statistic, training=True)
    check("batch_norm_backward", dy, x, *statistic[:3], training=True, tolerance=10)


def test_any_number_of_threads(rng):
    """Sums are cut by the shapes alone."""
    x, dy = normal(rng, 3, 5, 90, 95), normal(rng, 3, 5, 90, 95)
    gamma, beta, mean, var = statistics(rng, 5, "float32")
    check_threads("prelu_backward", dy, x, gamma)
    check_threads("prelu_backward", dy, x, gamma[:1])
    check_threads("batch_norm", x, gamma, beta, mean, var, training=True)
    check_threads("batch_norm_backward", dy, x, gamma, mean, var, training=True)


def test_what_is_declined(rng):
    """What the NumPy text must word an error for, and what it serves as fast."""
    x, a = normal(rng, 2, 3, 4), normal(rng, 3)
    arrays = statistics(rng, 3, "float32")
    assert declined("relu", x.astype(int))
    assert declined("relu", [1.0])
    assert declined("relu", np.float32(1))
    assert declined("relu", np.array(1.0))
    assert declined("relu_backward", x, x[:1])
    assert declined("relu_backward", x, x.astype(float))
    assert declined("elu", x, -1.0)
    assert declined("elu_backward", x, x, "1")
    assert declined("prelu", x, a[:2])
    assert declined("prelu", x[:, 0, 0], a)
    assert declined("prelu_backward", x[:1], x, a)
    for bad in ({"training": True, "momentum": 1.5}, {"training": False, "eps": -1}):
        assert declined("batch_norm", x, *arrays, **bad)
    assert declined("batch_norm", x, arrays[0][:2], *arrays[1:], training=True)
    assert declined("batch_norm", x[:1, :, :1], *arrays, training=True), "one value a channel"
    assert declined("batch_norm", x[0], *arrays, training=True)
    assert declined("batch_norm_backward", x[:1], x, *arrays[:3], training=True)
    many = normal(rng, 300, 300)
    assert declined("batch_norm", many, *statistics(rng, 300, "float32"), training=True)
