"""Pooling, unpooling and resizing in CUDA C++, beyond the specs: each path, and bad input."""

import itertools
from typing import Any

import numpy as np
import pytest

from minis import ops
from minis_kernels.cupy_cuda import unpooling
from minis_kernels.cupy_cuda.emulation.emulator import launches

from .serving import check, declined, served

pytestmark = pytest.mark.usefixtures("emulated_cuda")

DTYPES = ("float32", "float64")
SHAPES = (  # one pixel, odd sizes, packs, more cells than threads, more planes than threads
    (1, 1, 1),
    (2, 2, 33),
    (1, 1, 2, 2),
    (2, 1, 7, 31),
    (1, 1, 70, 76),
    (12, 150, 4, 8),
    (2, 2, 5, 6, 12),
)
WINDOWS = (
    (2, {}),
    (2, {"ceil_mode": True}),
    (2, {"stride": 1}),
    (2, {"stride": 3, "padding": 1, "ceil_mode": True}),
    (3, {"stride": 2, "padding": 1}),
    (3, {"stride": 1, "padding": 1}),
    (4, {"stride": 2**27}),
)
DILATED = (
    (2, {"dilation": 2}),
    (3, {"dilation": 2, "padding": 2}),
    (4, {"dilation": 3, "padding": 4, "stride": 1}),
)


def draw(shape: Any, dtype: str = "float32", seed: int = 0) -> Any:
    """Draw values of which many tie, some are −inf and some NaN."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, shape).astype(dtype)
    x[rng.random(shape) < 0.4] = -np.inf
    x[rng.random(shape) < 0.05] = np.nan
    return x


def normal(shape: Any, dtype: str = "float32", seed: int = 1) -> Any:
    """Draw normally distributed values."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def fits(operation: str, *arguments: Any, **options: Any) -> bool:
    """Whether the NumPy text accepts these arguments; the kernel must decline the others."""
    try:
        getattr(ops, operation).reference(*arguments, **options)
    except ValueError:
        assert declined("cupy", operation, *arguments, **options)
        return False
    return True


def runs(file: str, kernel: str) -> int:
    """How often a kernel has run."""
    return launches[f"{file}.cu", kernel]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_max_pool(shape, dtype):
    """Values and indices are the text's, among ties, −inf and NaN; so is the gradient."""
    x, count = draw(shape, dtype), 0
    for size, options in (*WINDOWS, *DILATED):
        if not fits("max_pool", x, size, **options):
            continue
        count += 1
        y, indices = check("cupy", "max_pool", x, size, tolerance=0, **options)
        check("cupy", "max_pool_backward", normal(y.shape, dtype), indices, shape)
    assert count >= 2


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_avg_pool(shape, dtype):
    """Means are the text's to the bit, whatever is counted; so is the gradient."""
    x, count = normal(shape, dtype), 0
    for (size, window), include in itertools.product(WINDOWS, (True, False)):
        options = {**window, "count_include_pad": include}
        if not fits("avg_pool", x, size, **options):
            continue
        count += 1
        (y,) = check("cupy", "avg_pool", x, size, tolerance=0, **options)
        dy = normal(y.shape, dtype, seed=2)
        check("cupy", "avg_pool_backward", dy, shape, size, tolerance=0, **options)
    assert count >= 4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "size", "stride", "maxima", "means"),
    [
        ((2, 3, 6, 16), 2, 2, True, True),
        ((2, 3, 7, 16), 2, 2, True, False),  # a row is left over
        ((2, 3, 6, 18), 2, 2, False, False),  # rows of no whole packs of float32
        ((1, 2, 2, 8), 2, 2, True, True),  # one row of windows
        ((1, 2, 2, 8), 2, 7, False, False),
        ((2, 2, 4, 4, 16), 2, 2, True, False),
        ((2, 2, 5, 4, 16), (3, 2, 2), (2, 2, 2), True, False),
        ((2, 2, 5, 4, 16), (1, 2, 2), (3, 2, 2), True, False),
    ],
)
def test_windows_by_pairs(shape, size, stride, maxima, means, dtype):
    """Those that are read in packs, and those just beside."""
    even = shape[-1] % 4 == 0 or dtype == "float64"
    before = runs("max_pool", "max_pool_by_pairs"), runs("avg_pool", "avg_pool_by_pairs")
    y, indices = check("cupy", "max_pool", draw(shape, dtype), size, stride=stride, tolerance=0)
    check("cupy", "avg_pool", normal(shape, dtype), size, stride=stride, tolerance=0)
    dy = normal(y.shape, dtype)
    check("cupy", "avg_pool_backward", dy, shape, size, stride=stride, tolerance=0)
    check("cupy", "max_pool_backward", dy, indices, shape)
    if even:
        assert runs("max_pool", "max_pool_by_pairs") - before[0] == maxima
        assert runs("avg_pool", "avg_pool_by_pairs") - before[1] == means


def test_what_begins_between_two_packs_is_not_read_in_packs():
    flat = normal(1 + 2 * 3 * 4 * 16)
    x = flat[1:].reshape(2, 3, 4, 16)
    before = runs("max_pool", "max_pool_by_pairs"), runs("avg_pool", "avg_pool_by_pairs")
    check("cupy", "max_pool", x, 2, tolerance=0)
    check("cupy", "avg_pool", x, 2, tolerance=0)
    after = runs("max_pool", "max_pool_by_pairs"), runs("avg_pool", "avg_pool_by_pairs")
    assert before == after


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 2, 40), (2, 5, 33, 21), (1, 1, 16, 70)])
def test_a_mean_over_everything(shape, dtype):
    """Long rows of windows are summed by warps."""
    before = runs("avg_pool", "avg_pool_by_warps")
    (y,) = check("cupy", "avg_pool", normal(shape, dtype), shape[2:])
    check("cupy", "avg_pool", normal(shape, dtype), 16, stride=5, padding=8)
    check("cupy", "avg_pool_backward", normal(y.shape, dtype), shape, shape[2:], tolerance=0)
    assert runs("avg_pool", "avg_pool_by_warps") == before + 2


# bytes of shared memory, and planes from which on each has a block
PATHS = {"in shared memory": (48 * 1024, 132), "a plane a block": (0, 1), "all planes": (0, 10**9)}


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take one of the ways in which values are put into planes."""
    shared, many = PATHS[request.param]
    monkeypatch.setattr(unpooling, "SHARED", shared)
    monkeypatch.setattr(unpooling, "MANY", many)
    return request.param


@pytest.mark.parametrize("kind", ["int64", "int32", "uint16"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_unpooling_in_any_order(path, dtype, kind):
    """Indices that don't rise, with repetitions: the last one stays."""
    rng = np.random.default_rng(3)
    x = normal((2, 3, 40, 31), dtype)
    indices = rng.integers(0, 30 * 37, x.shape).astype(kind)
    before = sum(launches.values())
    (y,) = check("cupy", "max_unpool", x, indices, (30, 37), tolerance=0)
    assert sum(launches.values()) - before == (2 if path == "all planes" else 1)
    check("cupy", "max_unpool_backward", y, indices, tolerance=0)
    check("cupy", "max_pool_backward", x, indices, y.shape)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 5), (7, 60, 3), (2, 2, 2, 3, 4)])
def test_unpooling_of_many_sizes(path, shape):
    """More planes than blocks, few values in large planes, many in small ones."""
    x = normal(shape)
    for side in (1, 3, 9):
        size = (side,) * (len(shape) - 2)
        indices = np.random.default_rng(4).integers(0, side ** len(size), shape)
        (y,) = check("cupy", "max_unpool", x, indices, side, tolerance=0)
        check("cupy", "max_unpool_backward", normal(y.shape), indices, tolerance=0)
        check("cupy", "max_pool_backward", x, indices, y.shape)


@pytest.mark.parametrize("bad", [-1, 35, 2**40, -(2**63)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_index_beyond_the_plane_gives_nan(path, bad, dtype):
    """In that plane's first cell, and where it is read; nothing is written outside."""
    indices = np.random.default_rng(0).integers(1, 35, (2, 2, 300))
    x, dy = normal(indices.shape, dtype), normal((2, 2, 5, 7), dtype)
    wrong = indices.copy()
    wrong[1, 0, 77] = bad
    for name, arguments in (("max_unpool", (35,)), ("max_pool_backward", ((2, 2, 35),))):
        (good,), (got,) = (served("cupy", name, x, i, *arguments) for i in (indices, wrong))
        assert np.argwhere(np.isnan(got)).tolist() == [[1, 0, 0]], path
        np.testing.assert_allclose(got[[0, 0, 1], [0, 1, 1]], good[[0, 0, 1], [0, 1, 1]], rtol=1e-5)
    (dx,) = served("cupy", "max_unpool_backward", dy, wrong.reshape(2, 2, 20, 15))
    assert np.argwhere(np.isnan(dx.reshape(2, 2, 300))).tolist() == [[1, 0, 77]]


def test_an_index_of_an_unsigned_type():
    """What would be negative as a signed integer is too large."""
    (y,) = served("cupy", "max_unpool", normal((1, 1, 2)), np.full((1, 1, 2), 2**64 - 1, "u8"), 4)
    np.testing.assert_array_equal(y, [[[np.nan, 0, 0, 0]]])


MODES = (("nearest", False), ("linear", False), ("linear", True))
SIZES = (  # from, to: doubled, one pixel, kept, shrunk to a part and to one, rows of any length
    ((1,), (2,)),
    ((37,), (74,)),
    ((3,), (1000,)),
    ((1000,), (3,)),
    ((1, 1), (9, 40)),
    ((2, 1), (5, 16)),
    ((6, 33), (6, 33)),
    ((6, 33), (13, 66)),
    ((9, 40), (2, 17)),
    ((30, 42), (60, 84)),
    ((2, 3, 4), (4, 6, 8)),
    ((3, 5, 17), (1, 9, 34)),
    ((2, 2, 1), (7, 1, 3)),
)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("mode", "align_corners"), MODES)
def test_resizing_to_any_size(mode, align_corners, dtype):
    """Result and gradient are the text's."""
    options = {"mode": mode, "align_corners": align_corners}
    before = runs("interpolate", "interpolate_backward_by_warps")
    for size, out in SIZES:
        x = normal((2, 3, *size), dtype)
        (y,) = check("cupy", "interpolate", x, out, **options)
        dy = normal(y.shape, dtype, seed=2)
        check("cupy", "interpolate_backward", dy, x.shape, tolerance=4, **options)
    assert runs("interpolate", "interpolate_backward_by_warps") == before + 3


def test_resizing_many_planes():
    """More planes than threads take at once."""
    for mode, align_corners in MODES:
        options = {"mode": mode, "align_corners": align_corners}
        (y,) = check("cupy", "interpolate", normal((9, 130, 3, 2)), (2, 5), **options)
        check("cupy", "interpolate_backward", normal(y.shape), (9, 130, 3, 2), **options)


@pytest.mark.parametrize(("mode", "align_corners"), MODES)
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("size", "out"), [((7,), (14,)), ((4, 6), (8, 12)), ((3, 5, 4), (4, 5, 8))]
)
def test_resizing_what_is_not_finite(value, size, out, mode, align_corners):
    """It reaches the same places as in the text; backward, what its place was read from."""
    options = {"mode": mode, "align_corners": align_corners}
    x = normal((2, 2, *size), "float64")
    x[1, 1].flat[[0, -1]] = value, -value
    with np.errstate(invalid="ignore"):
        check("cupy", "interpolate", x, out, **options)
    dy = normal((2, 2, *out), "float64")
    one = np.zeros_like(dy)
    one[1, 0].flat[3] = 1
    dy[one == 1] = value
    (got,) = served("cupy", "interpolate_backward", dy, x.shape, **options)
    read = ops.interpolate_backward.reference(one, x.shape, **options) != 0
    assert not np.isfinite(got[read]).any()
    assert np.isfinite(got).sum() >= got.size - 2 ** len(size)


def test_memory_in_another_order():
    """Strided, reversed and transposed arrays give what contiguous ones give."""
    for view in (
        np.asfortranarray,
        lambda a: np.repeat(a, 2, 3)[..., ::2],
        lambda a: a[::-1, :, ::-1].copy()[::-1, :, ::-1],
    ):
        x, m = view(draw((2, 3, 8, 12))), view(normal((2, 3, 4, 6)))
        _, indices = check("cupy", "max_pool", x, 2, tolerance=0)
        check("cupy", "max_pool_backward", m, view(indices), x.shape)
        check("cupy", "max_unpool", m, view(indices), (8, 12), tolerance=0)
        check("cupy", "max_unpool_backward", x, view(indices), tolerance=0)
        check("cupy", "avg_pool", m, 2, tolerance=0)
        check("cupy", "avg_pool_backward", m, x.shape, 2, tolerance=0)
        for mode in ("nearest", "linear"):
            check("cupy", "interpolate", m, (8, 12), mode=mode)
            check("cupy", "interpolate_backward", m, (2, 3, 2, 9), mode=mode)


X = normal((1, 2, 6))
I = np.zeros((1, 2, 3), np.int64)


@pytest.mark.parametrize(
    ("name", "arguments", "options"),
    [
        ("max_pool", (X, 2.0), {}),
        ("max_pool", (X, 7), {}),
        ("max_pool", (X, 2), {"padding": 2}),
        ("max_pool", (X, 2), {"ceil_mode": "yes"}),
        ("max_pool", (X.astype(int), 2), {}),
        ("max_pool", (X[0], 2), {}),
        ("max_pool", (X[:0], 2), {}),
        ("max_pool", (X.tolist(), 2), {}),
        ("max_pool_backward", (X, I, X.shape), {}),
        ("max_pool_backward", (X[..., :3], I, (1, 3, 6)), {}),
        ("max_pool_backward", (X[..., :3], I, (1, 2, 0)), {}),
        ("max_pool_backward", (X[..., :3], I.astype(float), X.shape), {}),
        ("max_unpool", (X, I, 6), {}),
        ("max_unpool", (X[..., :3], I, (6, 6)), {}),
        ("max_unpool", (X[..., :3], I.tolist(), 6), {}),
        ("max_unpool", (X[..., :3], I, 0), {}),
        ("max_unpool_backward", (X, I[:, :1]), {}),
        ("max_unpool_backward", (X, I[..., None]), {}),
        ("avg_pool", (X, 2), {"count_include_pad": 1}),
        ("avg_pool", (X, 2), {"padding": -1}),
        ("avg_pool_backward", (X, X.shape, 2), {}),
        ("avg_pool_backward", (X[..., :3], (1, 3, 6), 2), {}),
        ("avg_pool_backward", (X[..., :3], None, 2), {}),
        ("interpolate", (X, 0), {}),
        ("interpolate", (X, 2.5), {}),
        ("interpolate", (X, 3), {"mode": "cubic"}),
        ("interpolate", (X, 3), {"mode": None}),
        ("interpolate", (X, 3), {"align_corners": "yes"}),
        ("interpolate", (X, 2**28 + 1), {}),
        ("interpolate_backward", (X, (1, 3, 4)), {}),
        ("interpolate_backward", (X, None), {}),
    ],
)
def test_what_is_declined(name, arguments, options):
    """Whatever is malformed, or not served, is left to the text."""
    assert declined("cupy", name, *arguments, **options)
