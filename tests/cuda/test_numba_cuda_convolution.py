"""The convolutions of `numba_cuda`: both rungs on every kind of geometry, in the simulator."""

from typing import Any

import numpy as np
import pytest

from minis import ops
from minis.learn.specs.properties import assert_close
from minis_kernels.geometry import Geometry, conv_geometry
from minis_kernels.numba_cuda import (
    conv_gradients,
    conv_naive,
    conv_tiled,
    conv_tiled_weights,
)
from minis_kernels.numba_cuda.conv import fills_tiles

from .serving import TOLERANCE, check, declined

BACKEND = "numba-cuda"
simulated = pytest.mark.parametrize("imitated_backend", [BACKEND], indirect=True)

# shapes of x and w, and options. Channels, pixels and taps leave remainders of tiles of 4.
CASES: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "1-D": ((2, 3, 11), (5, 3, 3), {"stride": 2, "padding": 1, "dilation": 2}),
    "2-D": ((2, 3, 3, 5), (3, 3, 3, 2), {"stride": (1, 2), "padding": (2, 0)}),
    "3-D": ((1, 2, 3, 2, 4), (3, 2, 2, 1, 3), {"padding": (1, 0, 1), "dilation": (2, 1, 1)}),
    "groups": ((2, 4, 2, 5), (6, 2, 2, 2), {"groups": 2, "padding": (0, 1)}),
    "groups of many": ((1, 10, 2, 3), (12, 5, 1, 2), {"groups": 2}),
    "one channel of each": ((2, 2, 2, 4), (2, 1, 3, 2), {"groups": 2, "padding": 1}),
    "one pixel": ((1, 1, 1), (1, 1, 1), {}),
    "stride beyond the kernel": ((1, 3, 5, 5), (5, 3, 1, 2), {"stride": 3}),
    "larger than x": ((2, 2, 2, 1), (3, 2, 2, 5), {"padding": (0, 3), "stride": 2}),
    "up by 2": ((1, 3, 4, 6), (2, 3, 2, 2), {"stride": 2}),
}
cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])
NAIVE = (conv_naive.convolve, conv_gradients.adjoint, conv_gradients.weight_gradient)
TILED = (conv_tiled.convolve, conv_tiled.adjoint, conv_tiled_weights.weight_gradient)


def random(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def geometry(x: Any, w: Any, options: dict[str, Any]) -> tuple[Geometry, int]:
    get = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, **options}
    g = conv_geometry(x.shape[2:], w.shape[2:], get["stride"], get["padding"], get["dilation"])
    assert g is not None
    return g, get["groups"]


def close(got: Any, expected: Any, what: str) -> None:
    assert got.dtype == expected.dtype
    assert_close(got.reshape(expected.shape), expected, TOLERANCE[expected.dtype.name], what)


def compare(rung: Any, case: Any, dtype: str) -> None:
    """Compare a rung's forward, adjoint and weight gradient with the text."""
    convolve, adjoint, weight_gradient = rung
    shape, filters, options = case
    x, w, b = (random(*s, dtype=dtype) for s in (shape, filters, filters[:1]))
    g, groups = geometry(x, w, options)
    y = ops.conv.reference(x, w, b, **options)
    close(convolve(x, w, b, g, groups), y, "y")

    dy, c = random(*y.shape, dtype=dtype), random(x.shape[1], dtype=dtype)
    dx, dw, db = ops.conv_backward.reference(dy, x, w, **options)
    bias = c.reshape(-1, *(1 for _ in x.shape[2:]))
    close(adjoint(dy, w, c, g, groups), dx + bias, "dx")
    close(weight_gradient(dy, x, g, groups), dw, "dw")
    close(conv_gradients.bias_gradient(dy), db, "db")


@simulated
@cases
def test_naive(case: Any, imitated_backend: str) -> None:
    compare(NAIVE, case, "float64")


@simulated
@cases
def test_tiled(case: Any, imitated_backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With several parts of the pixels, the last of them shorter, for dw."""
    monkeypatch.setattr(conv_tiled_weights, "LONGEST", 4 * conv_tiled.TILE)
    compare(TILED, case, "float32")


@simulated
def test_the_other_dtype(imitated_backend: str) -> None:
    compare(NAIVE, CASES["1-D"], "float32")
    compare(TILED, CASES["1-D"], "float64")


@simulated
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the text
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("where", ["x", "w", "b", "dy"])
def test_nan_and_infinity_go_where_the_text_has_them(
    where: str, channels: int, imitated_backend: str
) -> None:
    """With channels for naive kernels, and for tiles."""
    arrays = {
        "x": random(1, channels, 3, 4),
        "w": random(channels, channels, 3, 3),
        "b": random(channels),
        "dy": random(1, channels, 2, 2),
    }
    options = {"stride": 2, "padding": 1}
    arrays[where].flat[1 % arrays[where].size] = np.nan
    arrays[where].flat[-1] = np.inf
    x, w, b, dy = arrays.values()
    check(BACKEND, "conv", x, w, b, **options)
    check(BACKEND, "conv_backward", dy, x, w, **options)
    check(BACKEND, "conv_transpose", dy, w, b, **options)
    check(BACKEND, "conv_transpose_backward", x[..., :3], dy, w, **options)


@simulated
@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_need_not_be_contiguous(channels: int, imitated_backend: str) -> None:
    x = random(3, 4, channels, 1).transpose(3, 2, 0, 1)[:, :, ::-1]
    w = random(2, 1, channels, 2 * channels).T[::-1]
    b = random(4 * channels)[::2]
    dy = random(1, 2 * channels, 6, 2)[:, :, ::2]
    assert not any(a.flags.c_contiguous for a in (x, w, b, dy))
    check(BACKEND, "conv", x, w, b, stride=(1, 2))
    check(BACKEND, "conv_backward", dy, x, w, stride=(1, 2))
    w = w.swapaxes(0, 1)
    check(BACKEND, "conv_transpose", x, w, b, stride=(1, 2))
    dy = random(3, 8, 2 * channels, 1).transpose(3, 2, 0, 1)
    check(BACKEND, "conv_transpose_backward", dy, x, w, stride=(1, 2))


@simulated
def test_windows_beyond_the_input_of_a_transposed_convolution(imitated_backend: str) -> None:
    """A dilation above the stride, and the output_padding that it allows."""
    x, w = random(1, 3, 4), random(3, 2, 2)
    options = {"dilation": 3, "output_padding": 2}
    y = check(BACKEND, "conv_transpose", x, w, None, **options)[0]
    check(BACKEND, "conv_transpose_backward", random(*y.shape), x, w, **options)


@simulated
def test_the_first_rung_has_the_operations_signature(imitated_backend: str) -> None:
    x, w = random(2, 4, 5, 5), random(4, 4, 3, 3)
    close(conv_naive.conv(x, w, padding=1), ops.conv.reference(x, w, padding=1), "y")
    assert conv_naive.conv(x, w, random(3)) is NotImplemented
    assert conv_naive.conv(x, w, groups=3) is NotImplemented


@simulated
@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({"x": random(0, 2, 4)}, {}),
        ({"x": random(2, 2, 4, dtype="float64")}, {}),
        ({"x": random(2, 3, 4)}, {}),
        ({"x": np.ones((2, 2, 4), "int64")}, {}),
        ({"x": random(2, 2, 4, 4)}, {}),
        ({"w": random(4, 2, 9)}, {}),
        ({"dy": random(2, 4, 3)}, {}),
        ({"dy": random(2, 4, 2, dtype="float64")}, {}),
        ({}, {"stride": 0}),
        ({}, {"padding": (1, 1)}),
        ({}, {"dilation": 2.0}),
        ({}, {"groups": 0}),
        ({}, {"groups": True}),
    ],
)
def test_what_is_malformed_is_declined(change: Any, options: Any, imitated_backend: str) -> None:
    arrays = {"x": random(2, 2, 4), "w": random(4, 2, 3), "dy": random(2, 4, 2)} | change
    x, w, dy = arrays.values()
    assert declined(BACKEND, "conv_backward", dy, x, w, **options)
    assert declined(BACKEND, "conv_transpose_backward", x, dy, w, **options)
    if "dy" not in change:
        assert declined(BACKEND, "conv", x, w, **options)
    if "x" not in change and "w" not in change:
        assert not declined(BACKEND, "conv", random(2, 2, 4), random(4, 2, 3))
        assert declined(BACKEND, "conv", random(2, 2, 4), random(4, 2, 3), random(2))


def test_parts_of_the_pixels_cover_them() -> None:
    """Each part is a multiple of a tile, none is empty, and none is too long."""
    for pixels in (1, 3, 4, 5, 97, 10**6):
        for tiles in (1, 7, 10**5):
            length = conv_tiled_weights.part_length(pixels, tiles)
            parts = -(-pixels // length)
            assert length % conv_tiled.TILE == 0
            assert (parts - 1) * length < pixels <= parts * length
            assert length <= max(conv_tiled_weights.LONGEST, conv_tiled.TILE)


def test_tiles_serve_groups_that_fill_half_of_them() -> None:
    half = conv_tiled.TILE // 2
    assert fills_tiles(3 * half, half, 3)
    assert not fills_tiles(3 * half, half - 1, 3)
    assert not fills_tiles(3 * (half - 1), half, 3)


@pytest.mark.gpu
@pytest.mark.parametrize("gpu_backend", [BACKEND], indirect=True)
@dtypes
@pytest.mark.parametrize("channels", [1, 19])
def test_on_the_gpu(channels: int, dtype: str, gpu_backend: str) -> None:
    """With channels and pixels that leave remainders of tiles of 16."""
    x, w = random(3, channels, 37, 21, dtype=dtype), random(45, channels, 3, 3, dtype=dtype)
    options = {"stride": 2, "padding": 1}
    dy = random(3, 45, 19, 11, dtype=dtype)
    check(BACKEND, "conv", x, w, random(45, dtype=dtype), **options)
    check(BACKEND, "conv_backward", dy, x, w, tolerance=10, **options)
    check(BACKEND, "conv_transpose", dy, w, random(channels, dtype=dtype), **options)
    check(BACKEND, "conv_transpose_backward", x, dy, w, tolerance=10, **options)
