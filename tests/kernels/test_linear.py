"""Kernels of the fully connected layer, where the spec's small shapes don't reach."""

import numpy as np
import pytest

from minis_kernels.numba_cpu.matrix_product import multiply

from .serving import check, check_threads, declined, normal

pytest.importorskip("numba", reason="Numba is not installed")

# samples, inputs, outputs: around a tile of 8 × 32, a block of 256 steps, a group of 8 strips
SIZES = [
    (1, 1, 1),
    (1, 300, 1),
    (1, 7, 700),
    (7, 8, 9),
    (8, 16, 32),
    (15, 255, 31),
    (17, 257, 33),
    (33, 512, 257),
    (100, 40, 600),
    (9, 1000, 11),
]
DTYPES = ["float32", "float64"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sizes", SIZES)
def test_sizes(sizes, dtype, rng):
    """With a bias and without, forward and backward."""
    samples, i, o = sizes
    x, w, dy = (normal(rng, *s, dtype=dtype) for s in ((samples, i), (o, i), (samples, o)))
    check("linear", x, w)
    check("linear", x, w, normal(rng, o, dtype=dtype))
    check("linear_backward", dy, x, w, tolerance=3)


@pytest.mark.parametrize("layouts", ["CC", "CF", "FC", "FF"])
def test_products_of_transposes(layouts, rng):
    """Either matrix may be the transpose of one that lies in one piece."""
    for m, k, n in ((20, 300, 70), (1, 5, 70), (20, 1, 70), (20, 5, 1), (1, 1, 1)):
        a = np.asarray(normal(rng, m, k), order=layouts[0])
        b = np.asarray(normal(rng, k, n), order=layouts[1])
        np.testing.assert_allclose(multiply(a, b), a @ b, rtol=1e-4, atol=1e-4)


def test_axes_of_samples(rng):
    """None, or several."""
    w, b = normal(rng, 30, 50), normal(rng, 30)
    for samples in ((), (3,), (2, 3, 5)):
        check("linear", normal(rng, *samples, 50), w, b)
        check("linear_backward", normal(rng, *samples, 30), normal(rng, *samples, 50), w)


def test_other_memory_layouts(rng):
    """Arrays that don't lie in one piece give the same as copies that do."""
    x, dy = normal(rng, 40, 60).T[::2], normal(rng, 30, 60)[:, ::-2]
    w, b = normal(rng, 40, 60).T[::2].copy(order="F"), normal(rng, 60)[::2]
    check("linear", x, w, b)
    check("linear_backward", dy, x, w)


def test_nan_and_infinity_stay_in_their_rows(rng):
    """What fills a tile up has no part in a result."""
    x, w = normal(rng, 9, 20), normal(rng, 40, 20)
    x[2, 3], x[8, 0] = np.nan, np.inf
    (y,) = check("linear", np.nan_to_num(x, posinf=0), w)
    got = multiply(x, w.T)
    rows = [0, 1, 3, 4, 5, 6, 7]
    np.testing.assert_array_equal(got[rows], y[rows])
    assert np.isnan(got[2]).all()
    assert np.isinf(got[8]).all()


def test_any_number_of_threads(rng):
    """Every sum runs over the inputs in one order."""
    x, w, dy = normal(rng, 90, 700), normal(rng, 300, 700), normal(rng, 90, 300)
    check_threads("linear", x, w)
    check_threads("linear_backward", dy, x, w)


def test_what_is_declined(rng):
    """What the NumPy text must word an error for, and what is empty."""
    x, w, b = normal(rng, 3, 4), normal(rng, 5, 4), normal(rng, 5)
    assert declined("linear", x[:, :3], w)
    assert declined("linear", x, w[0])
    assert declined("linear", np.float32(1), w)
    assert declined("linear", x, w, b[:4])
    assert declined("linear", x, w, 0.0)
    assert declined("linear", x, w, b.astype(float))
    assert declined("linear", x.astype(int), w)
    assert declined("linear", x[:0], w)
    many = normal(rng, 300, 400)
    assert declined("linear", normal(rng, 1, 400), many)
    assert declined("linear", normal(rng, 400), many)
    assert not declined("linear", normal(rng, 2, 400), many)
    assert declined("linear_backward", normal(rng, 2, 5), x, w)
    assert declined("linear_backward", normal(rng, 3, 5, dtype=float), x, w)
