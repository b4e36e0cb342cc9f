"""CUDA C++ kernels of activations and norms, where the specs' small shapes don't reach."""

import numpy as np
import pytest

from minis import ops
from minis_kernels.cupy_cuda import rows as layout
from minis_kernels.cupy_cuda.emulation.emulator import launches
from minis_kernels.cupy_cuda.packs import packs

from . import serving

pytestmark = pytest.mark.usefixtures("emulated_cuda")

SHAPES = [
    (5, 3),
    (1, 1, 1),
    (3, 1, 4097),  # parts of a row, and one number
    (2, 3, 4096),  # in packs of 16 bytes
    (2, 5, 33, 35),
    (2, 3, 4, 6, 10),
    (9, 2, 7, 4),  # a block's packs run across samples
]
DTYPES = ["float32", "float64"]
POINTWISE = ["relu", "elu", "sigmoid"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def check(name, *args, **options):
    return serving.check("cupy", name, *args, **options)


def served(name, *args, **options):
    return serving.served("cupy", name, *args, **options)


def declined(name, *args, **options):
    return serving.declined("cupy", name, *args, **options)


def normal(rng, *shape, dtype="float32"):
    return rng.standard_normal(shape).astype(dtype)


def unaligned(a):
    """Copy an array to where a pack of 16 bytes can't begin, in one piece."""
    moved = np.empty(a.size + 1, a.dtype)[1:].reshape(a.shape)
    moved[...] = a
    assert moved.flags.c_contiguous
    assert packs(moved) == 0
    return moved


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (1027,), (2, 3, 33, 35)])
def test_pointwise(shape, dtype, rng):
    """Any shape, with what is left over after the last pack, and exactly where nothing rounds."""
    x, dy = np.array(3 * normal(rng, *shape)), np.array(normal(rng, *shape))
    x, dy = x.astype(dtype), dy.astype(dtype)
    x[np.array(rng.random(shape) < 0.1)] = 0
    for name in POINTWISE:
        (y,) = check(name, x, tolerance=0.1)
        check(f"{name}_backward", dy, y, tolerance=0.1)
        check(f"{name}_backward", unaligned(dy), y, tolerance=0.1)
    check("elu", x, 0.3, tolerance=0.1)
    check("elu_backward", dy, ops.elu.reference(x, 0.3), 0.3, tolerance=0.1)
    (y,) = served("relu", x)
    assert np.array_equal(y, ops.relu.reference(x))
    assert np.array_equal(*served("relu_backward", dy, y), ops.relu_backward.reference(dy, y))


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
    x, dy = normal(rng, *shape, dtype=dtype), normal(rng, *shape, dtype=dtype)
    x[rng.random(shape) < 0.1] = 0
    a = normal(rng, shape[1] if slopes == "each" else 1, dtype=dtype)
    check("prelu", x, a)
    check("prelu_backward", dy, x, a, tolerance=3)
    check("prelu_backward", unaligned(dy), x, a, tolerance=3)


def test_the_shapes_go_every_way():
    """Rows in one part and in several, in packs and number by number, across runs."""
    found = [layout.channels(np.empty(shape, "float32")) for shape in SHAPES]
    assert {r.parts > 1 for r in found} == {r.wide for r in found} == {True, False}
    assert any(r.wide and r.parts > 1 for r in found)
    assert any(r.wide and r.segments > 1 and r.length < 4 * r.threads for r in found)


def test_parts_of_rows_cover_them_and_are_short(monkeypatch):
    """As they are on a GPU, where no thread sums more than 64 numbers."""
    monkeypatch.delenv("MINIS_CUDA_EMULATION")
    monkeypatch.setattr(layout, "aligned", lambda *arrays: True)

    class Maps:
        dtype = np.dtype("float32")

        def __init__(self, *shape):
            self.shape = shape

    for shape in ((8, 64, 128, 128), (4, 1, 256, 256, 64), (1, 3, 5, 5), (2, 2048, 7, 7)):
        found = layout.channels(Maps(*shape))
        numbers = found.length * found.segments
        assert (found.parts - 1) * found.share < numbers <= found.parts * found.share
        assert found.share <= 64 * found.threads
        assert found.share % (4 * found.threads if found.wide else found.threads) == 0
        assert found.threads % 32 == 0
    assert layout.channels(Maps(2, 1, 1 << 30)) is None, "an int can't count a row's numbers"


def statistics(rng, channels, dtype="float32"):
    gamma, beta, mean = (normal(rng, channels, dtype=dtype) for _ in range(3))
    return gamma, beta, mean, np.exp(normal(rng, channels, dtype=dtype))


def spread(rng, shape, dtype):
    """Draw maps whose channels have means and spreads of their own."""
    per_channel = (-1, *(1 for _ in shape[2:]))
    x = normal(rng, *shape, dtype=dtype)
    x *= np.exp(normal(rng, shape[1], dtype=dtype)).reshape(per_channel)
    return x + normal(rng, shape[1], dtype=dtype).reshape(per_channel)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [s for s in SHAPES if s != (1, 1, 1)])
def test_batch_norm(shape, dtype, training, rng):
    """Forward and backward."""
    x, dy = spread(rng, shape, dtype), normal(rng, *shape, dtype=dtype)
    gamma, beta, mean, var = statistics(rng, shape[1], dtype)
    options = {"training": training, "momentum": 0.3, "eps": 1e-3}
    _, mean, inv_std, *_ = check("batch_norm", x, gamma, beta, mean, var, **options, tolerance=3)
    check("batch_norm_backward", dy, x, gamma, mean, inv_std, training=training, tolerance=10)


def test_evaluation_goes_over_memory_once(rng):
    """Neither forward nor backward has a second pass."""
    x = normal(rng, 2, 3, 8)
    arrays = statistics(rng, 3)
    before = dict(launches)
    served("batch_norm", x, *arrays, training=False)
    served("batch_norm_backward", x, x, *arrays[:3], training=False)
    ran = {name: n - before.get(name, 0) for name, n in launches.items()}
    assert {name for (_, name), n in ran.items() if n} == {
        "batch_norm_statistics",
        "normalise",
        "sums_along",
        "batch_norm_gradients",
    }


@pytest.mark.parametrize("mean", [1e2, 1e4, -1e6])
def test_a_large_mean_does_not_hide_the_variance(mean, rng):
    """Statistics in float32 are those of the same numbers in float64."""
    x = (mean + normal(rng, 3, 2, 50, 101)).astype("float32")
    one, zero = np.ones(2, "float32"), np.zeros(2, "float32")
    y, m, inv_std, _, var = served(
        "batch_norm", x, one, zero, zero, one, training=True, momentum=1.0
    )
    exact = x.astype("float64")
    np.testing.assert_allclose(var, exact.var(axis=(0, 2, 3), ddof=1), rtol=1e-6)
    np.testing.assert_allclose(m, exact.mean(axis=(0, 2, 3)), rtol=1e-7)
    np.testing.assert_allclose(inv_std, (exact.var(axis=(0, 2, 3)) + 1e-5) ** -0.5, rtol=1e-6)
    np.testing.assert_allclose(y.std(axis=(0, 2, 3)), 1, rtol=1e-4)
    _, m, inv_std = served("group_norm", x, one, zero, 1)
    exact = exact.reshape(3, -1)
    np.testing.assert_allclose(m[:, 0], exact.mean(axis=1), rtol=1e-7)
    np.testing.assert_allclose(inv_std[:, 0], (exact.var(axis=1) + 1e-5) ** -0.5, rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_outlier_does_not_hide_the_variance(dtype, rng):
    """Not even if it comes first, and one thread measures all its numbers from there."""
    x = normal(rng, 1, 1, 40_000, dtype=dtype)
    x[0, 0, 0] = 1e5
    one, zero = np.ones(1, dtype), np.zeros(1, dtype)
    *_, var = served("batch_norm", x, one, zero, zero, one, training=True, momentum=1.0)
    rtol = 1e-4 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(var, x.astype("float64").var(ddof=1), rtol=rtol)


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
    y, _, inv_std = served("group_norm", x, one, one, 1, eps=0)
    assert np.isinf(inv_std).all()
    assert np.isnan(y).all()


def test_nan_stays_in_its_channel(rng):
    """In training the whole channel is NaN, in evaluation one number; in group norm the group."""
    x = normal(rng, 2, 4, 30, 30)
    x[1, 2, 5, 5] = np.nan
    arrays = statistics(rng, 4)
    y, mean, inv_std, *_ = served("batch_norm", x, *arrays, training=True)
    dx, *_ = served("batch_norm_backward", x, x, arrays[0], mean, inv_std, training=True)
    for result in (y, dx):
        assert np.isnan(result[:, 2]).all()
        assert np.isfinite(result[:, [0, 1, 3]]).all()
    y, *_ = served("batch_norm", x, *arrays, training=False)
    assert np.isnan(y).sum() == 1
    dy = normal(rng, *x.shape)
    dx, *_ = served("batch_norm_backward", dy, x, *arrays[:2], np.ones(4, "f"), training=False)
    assert np.isfinite(dx).all(), "in evaluation, dx does not depend on x"
    y, mean, inv_std = served("group_norm", x, *arrays[:2], 2)
    dx, *_ = served("group_norm_backward", dy, x, arrays[0], mean, inv_std, 2)
    for result in (y, dx):
        assert np.isnan(result[1, 2:]).all()
        assert np.isfinite(result[1, :2]).all()
        assert np.isfinite(result[0]).all()


GROUPS = [
    ((1, 1), 1),
    ((7, 6), 3),  # one pixel
    ((2, 5, 33), 5),  # one channel a group
    ((2, 5, 33), 1),  # one group
    ((1, 2, 4097), 2),
    ((1, 6, 1365), 2),  # a group's parts begin within its channels
    ((2, 6, 33, 36), 3),
    ((1, 4, 70, 66), 2),  # each channel in several parts
    ((3, 8, 5, 7, 8), 2),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "groups"), GROUPS)
def test_group_norm(shape, groups, dtype, rng):
    """Forward and backward."""
    x, dy = spread(rng, shape, dtype), normal(rng, *shape, dtype=dtype)
    gamma, beta, *_ = statistics(rng, shape[1], dtype)
    _, mean, inv_std = check("group_norm", x, gamma, beta, groups, eps=1e-3, tolerance=3)
    check("group_norm_backward", dy, x, gamma, mean, inv_std, groups, tolerance=10)


def test_one_value_a_group_has_no_gradient(rng):
    """It is always 0 before beta is added; not even a rounding error is left."""
    x, dy, gamma = normal(rng, 3, 4, 1), normal(rng, 3, 4, 1), normal(rng, 4)
    _, mean, inv_std = served("group_norm", x, gamma, gamma, 4)
    dx, *_ = served("group_norm_backward", dy, x, gamma, mean, inv_std, 4)
    assert not dx.any()


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3), (2, 7, 33), (1, 6, 70, 66), (2, 5, 3, 4, 4)])
def test_local_response_norm(shape, dtype, size, rng):
    """Neighbourhoods that reach as far back as on, or further, and beyond all channels."""
    x, dy = normal(rng, *shape, dtype=dtype), normal(rng, *shape, dtype=dtype)
    check("local_response_norm", x, size, alpha=0.5, tolerance=3)
    options = {"alpha": 0.5, "beta": 0.6, "k": 2.0}
    check("local_response_norm", x, size, **options, tolerance=3)
    check("local_response_norm_backward", dy, x, size, **options, tolerance=3)
    check("local_response_norm_backward", unaligned(dy), x, size, **options, tolerance=3)


def test_other_memory_layouts(rng):
    """Arrays that don't lie in one piece give the same as copies that do."""
    x = normal(rng, 9, 12, 12, 10).transpose(3, 1, 2, 0)[:, ::-2]
    dy = normal(rng, *x.shape)[::-1]
    a = normal(rng, 2 * x.shape[1])[::2]
    statistic = [normal(rng, 2 * x.shape[1])[::2] ** 2 for _ in range(4)]
    check("relu", x)
    check("relu_backward", dy, x)
    check("prelu", x, a)
    check("prelu_backward", dy, x, a, tolerance=3)
    check("batch_norm", x, *statistic, training=True)
    check("batch_norm_backward", dy, x, *statistic[:3], training=True, tolerance=10)
    check("local_response_norm", x)
    check("local_response_norm_backward", dy, x)
    _, mean, inv_std = check("group_norm", x, *statistic[:2], 3, tolerance=3)
    mean, inv_std = np.asfortranarray(mean), np.asfortranarray(inv_std)
    check("group_norm_backward", dy, x, statistic[0], mean, inv_std, 3, tolerance=10)


def test_what_is_declined(rng):
    """What the NumPy text must word an error for."""
    x, a = normal(rng, 2, 6, 4), normal(rng, 6)
    arrays = statistics(rng, 6)
    assert declined("relu", x.astype(int))
    assert declined("relu", [1.0])
    assert declined("relu", x[:0])
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
    for groups in (4, 0, -1, 2.0, True, None):
        assert declined("group_norm", x, *arrays[:2], groups)
    for bad in (0, 2.0, True, None):
        assert declined("local_response_norm", x, bad)
    assert declined("local_response_norm", x, beta="1")
    assert declined("local_response_norm", x[0, 0])
    assert declined("local_response_norm_backward", x[:1], x)
    mean = normal(rng, 2, 3)
    assert declined("group_norm", x, *arrays[:2], 3, eps=-1.0)
    assert declined("group_norm_backward", x[:1], x, a, mean, mean, 3)
    assert declined("group_norm_backward", x, x, a, mean, mean.T, 3)
    assert declined("group_norm_backward", x, x, a, mean, mean, 2)
