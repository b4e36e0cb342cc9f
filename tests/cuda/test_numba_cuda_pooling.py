"""Pooling, unpooling and resizing of `numba_cuda`: every kind of window, in the simulator."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from minis import ops
from minis_kernels.numba_cuda import interpolate as resizing
from minis_kernels.numba_cuda import launch

from .serving import check, declined, served

BACKEND = "numba-cuda"
simulated = pytest.mark.parametrize("imitated_backend", [BACKEND], indirect=True)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])

# shape of x, window, options
WINDOWS: dict[str, tuple[tuple[int, ...], Any, dict[str, Any]]] = {
    "1-D": ((2, 3, 11), 3, {"stride": 2, "padding": 1}),
    "2-D": ((2, 2, 5, 7), 2, {}),
    "overlapping": ((1, 3, 6, 5), (3, 2), {"stride": 1, "padding": (1, 0)}),
    "3-D": ((1, 2, 4, 3, 5), (2, 3, 2), {"stride": (1, 2, 2), "padding": (0, 1, 1)}),
    "over the end": ((1, 2, 6, 8), 3, {"stride": 2, "padding": 1, "ceil_mode": True}),
    "apart": ((2, 1, 7, 8), (1, 2), {"stride": 3}),
    "one pixel": ((1, 1, 1), 1, {}),
}
windows = pytest.mark.parametrize("case", WINDOWS.values(), ids=WINDOWS)


def random(*shape: int, dtype: str = "float64") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def tied(*shape: int, dtype: str = "float64") -> Any:
    return np.random.default_rng(1).integers(-3, 0, shape).astype(dtype)


@simulated
@dtypes
@windows
def test_max_pool(case: Any, dtype: str, imitated_backend: str) -> None:
    """Of few different values, all negative: the first of equals wins, and no padding does."""
    shape, size, options = case
    y, indices = check(BACKEND, "max_pool", tied(*shape, dtype=dtype), size, **options)
    check(BACKEND, "max_pool_backward", random(*y.shape, dtype=dtype), indices, shape)


@simulated
def test_max_pool_with_dilation(imitated_backend: str) -> None:
    options = {"stride": (1, 2), "padding": (1, 2), "dilation": (2, 3)}
    check(BACKEND, "max_pool", tied(2, 2, 6, 9), (2, 3), **options)


@simulated
@windows
def test_max_pool_of_nan_and_infinity(case: Any, imitated_backend: str) -> None:
    """NaN beats all; where all is −inf, the first cell inside x does."""
    shape, size, options = case
    x, rng = random(*shape), np.random.default_rng(2)
    x[rng.random(shape) < 0.6] = -np.inf
    x[rng.random(shape) < 0.1] = np.nan
    check(BACKEND, "max_pool", x, size, **options)
    check(BACKEND, "max_pool", np.full(shape, -np.inf), size, **options)


@contextlib.contextmanager
def _taking_turns_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-7)
    yield
    sys.setswitchinterval(interval)


@simulated
def test_nothing_is_lost_where_all_add_to_one_cell(
    imitated_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that read, add and write in three steps would overwrite each other's sums."""
    monkeypatch.setattr(launch, "_simulation", _taking_turns_often)
    dy = np.ones((1, 1, 600))
    dx = served(BACKEND, "max_pool_backward", dy, np.full(dy.shape, 2), (1, 1, 4))[0]
    np.testing.assert_array_equal(dx, [[[0, 0, 600, 0]]])


@simulated
@dtypes
@pytest.mark.parametrize("size", [(9,), (3, 4), (2, 3, 2)])
def test_max_unpool(size: Any, dtype: str, imitated_backend: str) -> None:
    """Of values that share a cell the last stays, in whatever order threads run."""
    pooled = tuple(2 * s for s in size)
    x = random(2, 2, *pooled, dtype=dtype)
    indices = np.random.default_rng(3).integers(0, np.prod(size), x.shape)
    check(BACKEND, "max_unpool", x, indices.astype("int32"), size)
    check(BACKEND, "max_unpool_backward", random(2, 2, *size, dtype=dtype), indices)


@simulated
@pytest.mark.parametrize("wrong", [-1, 6, 10**12])
def test_indices_outside_of_the_plane_are_declined(wrong: int, imitated_backend: str) -> None:
    """The first plane's neighbour isn't written to, either."""
    x, indices = random(2, 1, 5), np.arange(10).reshape(2, 1, 5) % 6
    assert not declined(BACKEND, "max_unpool", x, indices, 6)
    indices[0, 0, 4] = wrong
    assert declined(BACKEND, "max_unpool", x, indices, 6)
    assert declined(BACKEND, "max_unpool_backward", random(2, 1, 6), indices)
    assert declined(BACKEND, "max_pool_backward", x, indices, (2, 1, 6))


@simulated
@dtypes
@windows
@pytest.mark.parametrize("count_include_pad", [True, False])
def test_avg_pool(count_include_pad: bool, case: Any, dtype: str, imitated_backend: str) -> None:
    shape, size, options = case
    options = options | {"count_include_pad": count_include_pad}
    y = check(BACKEND, "avg_pool", random(*shape, dtype=dtype), size, **options)[0]
    dy = random(*y.shape, dtype=dtype)
    check(BACKEND, "avg_pool_backward", dy, shape, size, **options)
    dy.flat[0] = np.nan
    check(BACKEND, "avg_pool_backward", dy, shape, size, **options)


SIZES = [
    ((2, 2, 3), (7,)),
    ((1, 2, 5, 4), (9, 8)),
    ((2, 1, 6, 7), (2, 3)),
    ((1, 1, 3, 2, 4), (2, 4, 5)),
    ((1, 2, 1, 5), (4, 1)),
    ((1, 1, 1), (1,)),
]
modes = pytest.mark.parametrize(
    "options",
    [{"mode": "nearest"}, {"mode": "linear"}, {"mode": "linear", "align_corners": True}],
    ids=["nearest", "linear", "align_corners"],
)


@simulated
@dtypes
@modes
@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_interpolate(
    shape: Any, size: Any, options: Any, dtype: str, imitated_backend: str
) -> None:
    y = check(BACKEND, "interpolate", random(*shape, dtype=dtype), size, **options)[0]
    check(BACKEND, "interpolate_backward", random(*y.shape, dtype=dtype), shape, **options)


@simulated
@modes
@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_interpolate_of_what_is_not_finite(odd: float, options: Any, imitated_backend: str) -> None:
    """It reaches the outputs that read it; in the gradient it spreads, which the text does."""
    for shape, size in SIZES:
        x = random(*shape)
        x.flat[x.size // 2] = odd
        with np.errstate(invalid="ignore"):
            y = check(BACKEND, "interpolate", x, size, **options)[0]
        dy = random(*y.shape)
        dy.flat[dy.size // 2] = odd
        assert declined(BACKEND, "interpolate_backward", dy, shape, **options)


@simulated
@modes
def test_each_cell_knows_all_its_readers(options: Any, imitated_backend: str) -> None:
    """For all small sizes; and what they give it adds up to one for each output."""
    mode = options["mode"] == "linear", "align_corners" in options
    for size in range(1, 14):
        for out in range(1, 14):
            given = np.zeros(out)
            for i in range(size):
                weights = [resizing._weight(i, j, size, out, *mode) for j in range(out)]
                first, end = resizing._readers(i, size, out, *mode)
                assert first >= 0
                assert end <= out
                assert set(np.flatnonzero(weights)) <= set(range(first, end)), (i, size, out)
                given += weights
            np.testing.assert_allclose(given, 1, atol=1e-12)


@simulated
def test_arrays_need_not_be_contiguous(imitated_backend: str) -> None:
    x = random(5, 6, 2, 3).T[..., ::-1]
    y, indices = check(BACKEND, "max_pool", x, 2, stride=1)
    dy = random(4, 5, 2, 3).T
    indices = np.asfortranarray(indices)
    check(BACKEND, "max_pool_backward", dy, indices, x.shape)
    check(BACKEND, "max_unpool", y[..., ::2], indices[..., ::2], (6, 5))
    check(BACKEND, "max_unpool_backward", x, indices[..., ::2])
    check(BACKEND, "avg_pool", x, 2, stride=1)
    check(BACKEND, "avg_pool_backward", dy, x.shape, 2, stride=1)
    check(BACKEND, "interpolate", x, 7, mode="linear")
    check(BACKEND, "interpolate_backward", x, (3, 2, 3, 9), mode="linear")


@simulated
def test_what_is_malformed_is_declined(imitated_backend: str) -> None:
    x, indices = random(2, 2, 6), np.zeros((2, 2, 3), int)
    dy = random(2, 2, 3)
    for bad in (x[0], x[:0], x.astype(int), x.astype("float16"), random(1, 1, 1, 1, 1, 6)):
        assert declined(BACKEND, "max_pool", bad, 2)
        assert declined(BACKEND, "avg_pool", bad, 2)
        assert declined(BACKEND, "interpolate", bad, 2)
        assert declined(BACKEND, "max_unpool", bad, indices, 6)
        assert declined(BACKEND, "max_unpool_backward", bad, indices)
    for pool in ("max_pool", "avg_pool"):
        assert declined(BACKEND, pool, x, 7)
        assert declined(BACKEND, pool, x, 2, padding=2)
        assert declined(BACKEND, pool, x, 2, ceil_mode=1)
    for shape in ((2, 2), (2, 3, 6), (2, 2, 0), [2, 2, 6]):
        assert declined(BACKEND, "max_pool_backward", dy, indices, shape)
        assert declined(BACKEND, "avg_pool_backward", dy, shape, 2)
        assert declined(BACKEND, "interpolate_backward", dy, shape)
    assert declined(BACKEND, "max_pool_backward", dy, indices[..., :2], x.shape)
    assert declined(BACKEND, "max_pool_backward", dy, indices.astype(float), x.shape)
    assert declined(BACKEND, "max_unpool", dy, indices, (6, 1))
    assert declined(BACKEND, "avg_pool_backward", dy, (2, 2, 9), 2)
    assert declined(BACKEND, "avg_pool", x, 2, count_include_pad=0)
    assert declined(BACKEND, "interpolate", x, 2, mode="cubic")
    assert declined(BACKEND, "interpolate", x, 0)


@pytest.mark.gpu
@pytest.mark.parametrize("gpu_backend", [BACKEND], indirect=True)
@dtypes
def test_on_the_gpu(dtype: str, gpu_backend: str) -> None:
    """With more numbers than the grid has threads."""
    x = tied(3, 17, 130, 101, dtype=dtype)
    for options in ({}, {"stride": 2, "padding": 1, "ceil_mode": True}):
        y, indices = check(BACKEND, "max_pool", x, 3, **options)
        dy = random(*y.shape, dtype=dtype)
        check(BACKEND, "max_pool_backward", dy, indices, x.shape)
        check(BACKEND, "max_unpool", dy, indices, x.shape[2:])
        check(BACKEND, "max_unpool_backward", x, indices)
        check(BACKEND, "avg_pool", x, 3, **options)
        check(BACKEND, "avg_pool_backward", dy, x.shape, 3, **options)
    for align_corners in (True, False):
        linear = {"mode": "linear", "align_corners": align_corners}
        y = ops.interpolate.reference(x, (200, 77), **linear)
        check(BACKEND, "interpolate", x, (200, 77), **linear)
        check(BACKEND, "interpolate_backward", y, x.shape, tolerance=3, **linear)
