"""Kernels of group norm, where the spec's small shapes don't reach."""

import numpy as np
import pytest

from minis import ops

from .serving import check, check_threads, declined, normal, served

pytest.importorskip("numba", reason="Numba is not installed")

CASES = [
    ((1, 1), 1),
    ((7, 6), 3),  # one pixel
    ((2, 64, 1, 1), 32),
    ((3, 4, 1), 4),  # nothing to vary: one value a group
    ((2, 5, 33), 5),  # one channel a group
    ((2, 5, 33), 1),  # one group
    ((1, 2, 4097), 2),  # a piece, and one number
    ((1, 6, 1365), 2),  # a group of a piece less one, its channels across pieces
    ((2, 6, 63, 65), 3),
    ((3, 8, 5, 29, 31), 2),
    ((3, 96, 60, 61), 32),  # many rows: a thread takes one alone
    ((2, 8, 160, 161), 2),  # few rows, in two blocks
    ((2, 4, 400, 401), 2),  # a row larger than a block
]
DTYPES = ["float32", "float64"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def draw(rng, shape, dtype):
    """Draw maps whose channels have means and spreads of their own, dy, gamma and beta."""
    per_channel = (-1, *(1 for _ in shape[2:]))
    x = normal(rng, *shape, dtype=dtype)
    x *= np.exp(normal(rng, shape[1], dtype=dtype)).reshape(per_channel)
    x += normal(rng, shape[1], dtype=dtype).reshape(per_channel)
    gamma, beta = (normal(rng, shape[1], dtype=dtype) for _ in range(2))
    return x, normal(rng, *shape, dtype=dtype), gamma, beta


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("shape", "groups"), CASES)
def test_shapes(shape, groups, dtype, rng):
    """Forward and backward give what the NumPy text gives."""
    x, dy, gamma, beta = draw(rng, shape, dtype)
    _, mean, inv_std = check("group_norm", x, gamma, beta, groups, eps=1e-3, tolerance=3)
    check("group_norm_backward", dy, x, gamma, mean, inv_std, groups, tolerance=10)


@pytest.mark.parametrize(("shape", "groups"), CASES)
def test_accuracy(shape, groups, rng):
    """In float32 every result is within 5e-5, of its largest value, of one in float64.

    Of terms of size inv_std · gamma · dy, groups of one or two values leave hardly any dx.
    """
    x, dy, gamma, beta = draw(rng, shape, "float32")
    y, mean, inv_std = served("group_norm", x, gamma, beta, groups)
    got = y, *served("group_norm_backward", dy, x, gamma, mean, inv_std, groups)
    x, dy, gamma, beta = (a.astype("float64") for a in (x, dy, gamma, beta))
    y, mean, inv_std = ops.group_norm.reference(x, gamma, beta, groups)
    exact = y, *ops.group_norm_backward.reference(dy, x, gamma, mean, inv_std, groups)
    few = x.size <= 2 * inv_std.size
    term = np.abs(inv_std).max() * np.abs(gamma).max() * np.abs(dy).max() if few else 0.0
    for name, g, e in zip(("y", "dx", "dgamma", "dbeta"), got, exact, strict=True):
        error = np.abs(g - e).max() / max(np.abs(e).max(), term if name == "dx" else 1e-2)
        assert error <= 5e-5, f"{name}: {error:.2g}"


@pytest.mark.parametrize("mean", [1e2, 1e4, -1e6])
def test_a_large_mean_does_not_hide_the_variance(mean, rng):
    """Statistics in float32 are those of the same numbers in float64."""
    x = (mean + normal(rng, 3, 4, 100, 101)).astype("float32")
    y, m, inv_std = served("group_norm", x, np.ones(4, "f"), np.zeros(4, "f"), 2)
    exact = x.astype("float64").reshape(3, 2, -1)
    np.testing.assert_allclose(m, exact.mean(axis=2), rtol=1e-7)
    np.testing.assert_allclose(inv_std, (exact.var(axis=2) + 1e-5) ** -0.5, rtol=1e-6)
    np.testing.assert_allclose(y.reshape(3, 2, -1).std(axis=2), 1, rtol=1e-4)


def test_one_value_a_group_has_no_gradient(rng):
    """It is always 0 before beta is added; not even a rounding error is left."""
    x, dy, gamma, beta = draw(rng, (3, 4, 1), "float32")
    _, mean, inv_std = served("group_norm", x, gamma, beta, 4)
    dx, *_ = served("group_norm_backward", dy, x, gamma, mean, inv_std, 4)
    assert not dx.any()


def test_no_variance_and_no_eps():
    """Division by zero gives infinity and NaN, as in the NumPy text."""
    x, one = np.ones((2, 2, 20), "float32"), np.ones(2, "float32")
    y, _, inv_std = served("group_norm", x, one, one, 1, eps=0)
    assert np.isinf(inv_std).all()
    assert np.isnan(y).all()


def test_nan_stays_in_its_group(rng):
    """Neither another group nor another sample sees it."""
    x, dy, gamma, beta = draw(rng, (2, 4, 70, 70), "float32")
    x[1, 2, 5, 5] = np.nan
    y, mean, inv_std = served("group_norm", x, gamma, beta, 2)
    dx, *_ = served("group_norm_backward", dy, x, gamma, mean, inv_std, 2)
    for result in (y, dx):
        assert np.isnan(result[1, 2:]).all()
        assert np.isfinite(result[1, :2]).all()
        assert np.isfinite(result[0]).all()


def test_other_memory_layouts(rng):
    """Arrays that don't lie in one piece give the same as copies that do."""
    x = normal(rng, 9, 12, 12, 10).transpose(3, 1, 2, 0)[:, ::-2]
    dy = normal(rng, *x.shape)[::-1]
    gamma, beta = (normal(rng, 2 * x.shape[1])[::2] for _ in range(2))
    _, mean, inv_std = check("group_norm", x, gamma, beta, 3, tolerance=3)
    mean, inv_std = np.asfortranarray(mean), np.asfortranarray(inv_std)
    check("group_norm_backward", dy, x, gamma, mean, inv_std, 3, tolerance=10)


def test_any_number_of_threads(rng):
    """Sums are cut by the shapes alone."""
    x, dy, gamma, beta = draw(rng, (3, 6, 90, 95), "float32")
    check_threads("group_norm", x, gamma, beta, 2)
    _, mean, inv_std = served("group_norm", x, gamma, beta, 2)
    check_threads("group_norm_backward", dy, x, gamma, mean, inv_std, 2)


def test_what_is_declined(rng):
    """What the NumPy text must word an error for."""
    x, dy, gamma, beta = draw(rng, (2, 6, 4), "float32")
    _, mean, inv_std = served("group_norm", x, gamma, beta, 3)
    for groups in (4, 0, -1, 2.0, True, None):
        assert declined("group_norm", x, gamma, beta, groups)
    assert declined("group_norm", x, gamma[:3], beta, 3)
    assert declined("group_norm", x, gamma, beta.astype(float), 3)
    assert declined("group_norm", x, gamma, beta, 3, eps=-1.0)
    assert declined("group_norm", x[:, :, 0].reshape(-1), gamma, beta, 3)
    assert declined("group_norm", x[:0], gamma, beta, 3)
    assert declined("group_norm_backward", dy[:1], x, gamma, mean, inv_std, 3)
    assert declined("group_norm_backward", dy, x, gamma, mean.T, inv_std, 3)
    assert declined("group_norm_backward", dy, x, gamma, mean, inv_std, 2)
