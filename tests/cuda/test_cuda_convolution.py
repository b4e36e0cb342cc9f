"""Convolutions in CUDA C++, in float32 and float64 as they are, compiled for the CPU."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from minis_kernels.cupy_cuda import conv_plan, conv_tiles
from minis_kernels.cupy_cuda.device import Device
from minis_kernels.geometry import conv_geometry

from .serving import check, declined, served

pytestmark = pytest.mark.usefixtures("emulated_cuda")


class Case(NamedTuple):
    """A convolution, or a transposed one."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    options: dict[str, Any]
    transposed: bool = False


CASES = {
    "one of everything": Case((1, 1, 1), (1, 1, 1), {}),
    "one channel, 125 taps": Case((1, 1, 6, 7, 5), (3, 1, 5, 5, 5), {"padding": 2}),
    "an odd size": Case((2, 3, 9, 7), (5, 3, 3, 3), {"padding": 1}),
    "16 channels of a tap, the last set short": Case((1, 31, 5, 6), (17, 31, 2, 3), {}),
    "4 channels of a tap": Case((1, 12, 5, 6), (33, 12, 3, 1), {"padding": (1, 0)}),
    "4 channels, the last set short": Case((1, 7, 11), (16, 7, 3), {"dilation": 3}),
    "several blocks in each direction": Case((3, 3, 13, 12), (130, 3, 3, 3), {"padding": 1}),
    "few pixels, a long sum": Case((1, 70, 3, 3), (66, 70, 3, 3), {"padding": 1}),
    "long lines, a stride": Case((1, 2, 3, 270), (6, 2, 2, 3), {"stride": (2, 3)}),
    "a stride in three axes": Case(
        (2, 4, 5, 6, 7), (8, 4, 2, 3, 3), {"stride": (1, 2, 3), "padding": (0, 1, 2)}
    ),
    "a stride beyond the kernel": Case((1, 3, 9, 11), (5, 3, 2, 1), {"stride": (3, 4)}),
    "groups": Case((2, 12, 6, 5), (9, 4, 3, 3), {"groups": 3, "padding": 1}),
    "each channel by itself": Case((2, 5, 9, 8), (5, 1, 3, 3), {"groups": 5, "padding": 1}),
    "each channel by itself, twice": Case(
        (2, 3, 9, 8), (6, 1, 4, 4), {"groups": 3, "stride": 2, "dilation": 2, "padding": 3}
    ),
    "up by two": Case((1, 6, 4, 5), (6, 9, 2, 2), {"stride": 2}, True),
    "up, and cropped": Case(
        (2, 5, 3, 4), (5, 4, 3, 4), {"stride": 2, "padding": 1, "output_padding": 1}, True
    ),
    "up by more than the kernel": Case((1, 3, 3, 2), (3, 4, 1, 2), {"stride": (3, 4)}, True),
    "up in groups": Case((1, 4, 3, 3, 2), (4, 3, 2, 2, 2), {"stride": 2, "groups": 2}, True),
    "up, each channel by itself": Case((1, 4, 5), (4, 1, 4), {"stride": 2, "groups": 4}, True),
    "a dilation above the stride": Case(
        (1, 2, 4), (2, 3, 2), {"dilation": 3, "stride": 2, "output_padding": 2}, True
    ),
}


def arrays(case: Case, dtype: str) -> tuple[Any, Any, Any, str]:
    """Draw x, w and a bias; and the operation's name."""
    rng = np.random.default_rng(len(case.x) + sum(case.w))
    outputs = case.w[1] * case.options.get("groups", 1) if case.transposed else case.w[0]
    x, w, b = (rng.standard_normal(shape).astype(dtype) for shape in (case.x, case.w, (outputs,)))
    return x, w, b, "conv_transpose" if case.transposed else "conv"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_equals_the_text(case: Case, dtype: str) -> None:
    """Forward, with a bias and without; and all three gradients."""
    x, w, b, name = arrays(case, dtype)
    (y,) = check("cupy", name, x, w, b, tolerance=2, **case.options)
    check("cupy", name, x, w, tolerance=2, **case.options)
    dy = np.random.default_rng(5).standard_normal(y.shape).astype(dtype)
    check("cupy", f"{name}_backward", dy, x, w, tolerance=2, **case.options)


TILES = [
    (dtype, tile)
    for dtype, tiles in conv_tiles.EXACT.items()
    for tile in (*tiles, conv_tiles.EXACT_SMALL[dtype])
]


@pytest.mark.parametrize(("dtype", "tile"), TILES, ids=str)
def test_every_tile(dtype: str, tile: conv_tiles.Tile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the tile, and with rows and columns to spare in the last one."""
    for module in ("gather", "weight_gradient"):
        monkeypatch.setattr(f"minis_kernels.cupy_cuda.{module}.tile_for", lambda *_: tile)
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 17, 9, 9)).astype(dtype)
    w = rng.standard_normal((tile.rows + 1, 17, 2, 2)).astype(dtype)
    (y,) = check("cupy", "conv", x, w, tolerance=2)
    check("cupy", "conv_backward", y, x, w, tolerance=2)


def test_outputs_that_no_tap_reaches_are_the_bias() -> None:
    x, w = np.ones((1, 1, 3, 3), "float32"), np.ones((1, 2, 1, 1), "float32")
    (y,) = served("cupy", "conv_transpose", x, w, np.array([5, 7], "float32"), stride=3)
    assert y.shape == (1, 2, 7, 7)
    assert (y[0, :, 1::3] == np.array([5, 7])[:, None, None]).all()
    assert (y[0, :, ::3, ::3] == np.array([6, 8])[:, None, None]).all()


def test_what_is_not_finite_stays_in_its_windows() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 3, 8, 9)).astype("float32")
    x[0, 1, 3, 4], x[0, 2, 7, 0] = np.nan, np.inf
    w = rng.standard_normal((20, 3, 3, 3)).astype("float32")
    (y,) = check("cupy", "conv", x, w, padding=1)
    assert np.isnan(y[0, 0]).sum() == 9
    w[19, 0, 0, 0] = np.nan  # must not reach the other outputs of its tile
    (y,) = check("cupy", "conv", np.ones_like(x), w, padding=1)
    assert np.isfinite(y[:, :19]).all()


def test_arrays_that_are_not_contiguous() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((6, 7, 3, 2)).astype("float32").T[:, ::-1]
    w = rng.standard_normal((3, 3, 3, 8)).astype("float32").T
    (y,) = check("cupy", "conv", x, w, padding=1)
    check("cupy", "conv_backward", y[..., ::-1], x, w, padding=1)


def test_two_calls_give_the_same_bits() -> None:
    rng = np.random.default_rng(2)
    x, w = (rng.standard_normal(s).astype("float32") for s in ((1, 70, 3, 3), (66, 70, 3, 3)))
    dy = rng.standard_normal((1, 66, 1, 1)).astype("float32")
    first, second = (served("cupy", "conv_backward", dy, x, w) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))


def test_declines_what_it_does_not_serve() -> None:
    x, w = np.ones((1, 2, 4, 4), "float32"), np.ones((3, 2, 3, 3), "float32")
    dy = np.ones((1, 3, 2, 2), "float32")
    assert declined("cupy", "conv", x, w.astype("float64"))
    assert declined("cupy", "conv", x, w, np.ones(2, "float32"))
    assert declined("cupy", "conv", x, w, groups=2)
    assert declined("cupy", "conv", x, w, dilation=2)
    assert declined("cupy", "conv", x, w, stride=0)
    assert declined("cupy", "conv", x[:0], w)
    assert declined("cupy", "conv_backward", dy[:, :2], x, w)
    assert declined("cupy", "conv_transpose", x, w)
    assert declined("cupy", "conv_transpose", dy, w, output_padding=1)
    assert declined("cupy", "conv_transpose_backward", dy, dy, w)


def test_declines_more_classes_of_pixels_than_a_grid_has_room_for() -> None:
    x, w = np.ones((1, 1, 2, 2), "float32"), np.ones((1, 1, 1, 1), "float32")
    assert declined("cupy", "conv_transpose", x, w, stride=300)


def test_a_plan_reaches_every_output_once() -> None:
    g = conv_geometry((7, 5), (3, 2), (3, 2), (1, 0), (2, 1))
    assert g is not None
    plan = conv_plan.adjoint_plan(g, 2, 1, 3, 4)
    reached = np.zeros(g.size, int)
    for part in plan.classes:
        at = tuple(slice(f, None, s) for f, s in zip(part.first, g.stride, strict=True))
        assert reached[at].shape == part.pixels
        reached[at] += 1
    assert (reached == 1).all()
    assert sum(len(part.taps) for part in plan.classes) == 3 * 2


def test_tiles_suit_the_output() -> None:
    gpu = Device(90, 132, 228 * 1024, 227 * 1024)
    rows = [conv_tiles.tile_for(o, 1 << 20, 1, "tf32", gpu).rows for o in (2, 16, 32, 64, 512)]
    assert rows == [16, 16, 32, 64, 128]
    assert conv_tiles.tile_for(512, 64, 1, "tf32", gpu) == conv_tiles.TENSOR_SMALL
    assert conv_tiles.parts(8, 288, gpu) == 33
    assert conv_tiles.parts(4096, 288, gpu) == 1
    assert conv_tiles.stages(16896, conv_tiles.TENSOR[0], gpu) == 4
    assert conv_tiles.stages(32768, conv_tiles.TENSOR[0], gpu) == 3
    assert conv_tiles.stages(32768, conv_tiles.TENSOR[0], gpu._replace(architecture=75)) == 2
