"""Tensor cores: their instructions as emulated, and convolutions that use them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minis
from minis import ops
from minis.gpu_precision import active_gpu_precision, gpu_precision
from minis.learn.specs.properties import assert_close
from minis_kernels.cupy_cuda import conv_tiles
from minis_kernels.cupy_cuda.device import EMULATED
from minis_kernels.cupy_cuda.program import PROGRAMS, Program

from .serving import served

pytestmark = pytest.mark.usefixtures("emulated_cuda")


def rounded(x: Any, precision: str) -> Any:
    """Round float32 numbers as the GPU does."""
    if precision == "fp16":
        return x.astype("float16").astype("float32")
    bits = np.ascontiguousarray(x).view(np.uint32)
    up = np.where(np.isfinite(x), bits + np.uint32(0x1000), bits)  # ties away from zero
    return (up & np.uint32(0xFFFFE000)).view(np.float32)


# One warp multiplies A (16 × depth) and B (depth × 8). Each lane takes the numbers that the tables
# "Matrix fragments for mma" of the PTX ISA give it, written out here once more.
INSTRUCTION = """
#include "tensor_core.cuh"
extern "C" __global__ void tf32(const float* a, const float* b, float* c) {
    int g = threadIdx.x >> 2, t = threadIdx.x % 4;
    unsigned of_a[4], of_b[2];
    for (int i = 0; i < 4; i++) {
        int row = i == 0 || i == 2 ? g : g + 8, column = i < 2 ? t : t + 4;
        of_a[i] = Tf32::rounded(a[row * 8 + column]);
    }
    for (int i = 0; i < 2; i++) of_b[i] = Tf32::rounded(b[(i == 0 ? t : t + 4) * 8 + g]);
    float of_c[4];
    for (int i = 0; i < 4; i++) of_c[i] = c[(i < 2 ? g : g + 8) * 8 + t * 2 + (i & 1)];
    multiply_add(Tf32(), of_c, of_a, of_b);
    for (int i = 0; i < 4; i++) c[(i < 2 ? g : g + 8) * 8 + t * 2 + (i & 1)] = of_c[i];
}
extern "C" __global__ void half(const float* a, const float* b, float* c) {
    int g = threadIdx.x >> 2, t = threadIdx.x % 4;
    unsigned of_a[4], of_b[2];
    for (int i = 0; i < 8; i += 2) {
        int row = (0 <= i && i < 2) || (4 <= i && i < 6) ? g : g + 8;
        int column = i < 4 ? t * 2 : t * 2 + 8;
        of_a[i / 2] = Half::rounded(a[row * 16 + column], a[row * 16 + column + 1]);
    }
    for (int i = 0; i < 4; i += 2) {
        int row = i < 2 ? t * 2 : t * 2 + 8;
        of_b[i / 2] = Half::rounded(b[row * 8 + g], b[(row + 1) * 8 + g]);
    }
    float of_c[4];
    for (int i = 0; i < 4; i++) of_c[i] = c[(i < 2 ? g : g + 8) * 8 + t * 2 + (i & 1)];
    multiply_add(Half(), of_c, of_a, of_b);
    for (int i = 0; i < 4; i++) c[(i < 2 ? g : g + 8) * 8 + t * 2 + (i & 1)] = of_c[i];
}
extern "C" __global__ void round_numbers(const float* x, float* tf32, unsigned* half, int count) {
    for (int i = threadIdx.x; i < count; i += 32) {
        tf32[i] = __uint_as_float(Tf32::rounded(x[i]));
        half[i] = Half::rounded(x[i], -x[i]);
    }
}
"""


@pytest.fixture
def instruction(tmp_path: Path) -> Iterator[Any]:
    """Return a function that compiles the kernels above for an architecture."""
    file, made = tmp_path / "instruction.cu", []
    file.write_text(INSTRUCTION)

    def program(architecture: int) -> Program:
        made.append(Program(str(file), reals=("float32",), ARCHITECTURE=architecture))
        return made[-1]

    yield program
    for p in made:
        PROGRAMS.remove(p)


@pytest.mark.parametrize(
    ("name", "precision", "depth", "architecture"),
    [("tf32", "tf32", 8, 800), ("half", "fp16", 16, 800), ("half", "fp16", 16, 750)],
)
def test_an_instruction_is_a_product_of_matrices(
    name: str, precision: str, depth: int, architecture: int, instruction: Any
) -> None:
    rng = np.random.default_rng(0)
    a, b, c = (rng.standard_normal(s).astype("float32") for s in ((16, depth), (depth, 8), (16, 8)))
    d = c.copy()
    instruction(architecture).kernel(name)(1, 32, a, b, d)
    assert_close(d, rounded(a, precision) @ rounded(b, precision) + c, 1e-6, name)


def test_rounding(instruction: Any) -> None:
    """All exponents, ties, subnormal halves, infinities, NaN."""
    rng = np.random.default_rng(0)
    x = (rng.standard_normal(1000) * 2.0 ** rng.integers(-30, 20, 1000)).astype("float32")
    ties = np.array([1 + 2.0**-11, 1 + 3 * 2.0**-11, 65519, 65520, 2.0**-25, 1.5 * 2.0**-24])
    x = np.concatenate([x, ties, [np.inf, -np.inf, 0, 3.4e38]]).astype("float32")
    tf32, half = np.empty_like(x), np.empty(x.shape, np.uint32)
    instruction(900).kernel("round_numbers")(1, 32, x, tf32, half, len(x))
    np.testing.assert_array_equal(tf32, rounded(x, "tf32"))
    with np.errstate(over="ignore"):
        expected = x.astype("float16")
    np.testing.assert_array_equal((half & 0xFFFF).astype(np.uint16).view(np.float16), expected)
    np.testing.assert_array_equal((half >> 16).astype(np.uint16).view(np.float16), -expected)
    nan = np.full(1, np.nan, "float32")
    instruction(900).kernel("round_numbers")(1, 32, nan, tf32[:1], half[:1], 1)
    assert np.isnan(tf32[0])
    assert np.isnan(np.uint16(half[0] & 0xFFFF).view(np.float16))


TILES = [*conv_tiles.TENSOR, conv_tiles.TENSOR_SMALL]


def convolution(precision: str, tile: Any, monkeypatch: Any, channels: int) -> None:
    """Check a convolution and its gradients against the text on rounded inputs, and on exact."""
    for module in ("gather", "weight_gradient"):
        monkeypatch.setattr(f"minis_kernels.cupy_cuda.{module}.tile_for", lambda *_: tile)
    rng = np.random.default_rng(channels)
    x = rng.standard_normal((2, channels, 10, 9)).astype("float32")
    w = rng.standard_normal((tile.rows + 1, channels, 3, 2)).astype("float32")
    b = rng.standard_normal(len(w)).astype("float32")
    options: dict[str, Any] = {"padding": 1, "stride": (2, 1)}
    dy = rng.standard_normal(ops.conv.reference(x, w, **options).shape).astype("float32")
    with gpu_precision(precision):
        (y,) = served("cupy", "conv", x, w, b, **options)
        dx, dw, db = served("cupy", "conv_backward", dy, x, w, **options)
    x_, w_, dy_ = (rounded(a, precision) for a in (x, w, dy))
    assert_close(y, ops.conv.reference(x_, w_, b, **options), 1e-6, "y, inputs rounded")
    dx_, dw_, _ = ops.conv_backward.reference(dy_, x_, w_, **options)
    assert_close(dx, dx_, 1e-6, "dx, inputs rounded")
    assert_close(dw, dw_, 1e-6, "dw, inputs rounded")
    # two factors, each off by 2⁻¹¹ at most
    bound = 2.001 * 2.0**-11 * ops.conv.reference(abs(x), abs(w), **options) + 1e-5
    assert (abs(y - ops.conv.reference(x, w, b, **options)) <= bound).all()
    assert_close(db, dy.sum((0, 2, 3)), 1e-6, "db, which is not rounded")


@pytest.mark.parametrize("precision", ["tf32", "fp16"])
@pytest.mark.parametrize("tile", TILES, ids=str)
def test_every_tile(precision: str, tile: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    convolution(precision, tile, monkeypatch, 17)


@pytest.mark.parametrize("precision", ["tf32", "fp16"])
@pytest.mark.parametrize("channels", [3, 7, 40])
def test_channels(precision: str, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One, four or 16 under a tap, and several blocks that share a sum."""
    convolution(precision, TILES[3], monkeypatch, channels)


@pytest.mark.parametrize("precision", ["tf32", "fp16"])
def test_transposed(precision: str) -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((2, 20, 5, 4)).astype("float32")
    w = rng.standard_normal((20, 7, 3, 3)).astype("float32")
    options: dict[str, Any] = {"stride": 2, "padding": 1, "groups": 2}
    with gpu_precision(precision):
        (y,) = served("cupy", "conv_transpose", x, w, **options)
    expected = ops.conv_transpose.reference(rounded(x, precision), rounded(w, precision), **options)
    assert_close(y, expected, 1e-6, "y")


def test_float64_is_never_rounded() -> None:
    rng = np.random.default_rng(5)
    x, w = rng.standard_normal((1, 3, 6, 6)), rng.standard_normal((4, 3, 3, 3))
    with gpu_precision("fp16"):
        (y,) = served("cupy", "conv", x, w)
    assert_close(y, ops.conv.reference(x, w), 1e-14, "y")


def test_turing_has_no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("gather", "weight_gradient"):
        turing = EMULATED._replace(architecture=75, shared=65536, shared_of_block=65536)
        monkeypatch.setattr(f"minis_kernels.cupy_cuda.{module}.device", lambda t=turing: t)
    rng = np.random.default_rng(6)
    x = rng.standard_normal((1, 20, 6, 6)).astype("float32")
    w = rng.standard_normal((9, 20, 3, 3)).astype("float32")
    with gpu_precision("tf32"):
        (y,) = served("cupy", "conv", x, w)
        dx, dw, _ = served("cupy", "conv_backward", y, x, w)
    expected = ops.conv_backward.reference(y, x, w)
    assert_close(y, ops.conv.reference(x, w), 1e-6, "y")
    assert_close(dx, expected[0], 1e-6, "dx")
    assert_close(dw, expected[1], 1e-6, "dw")


@pytest.mark.parametrize("precision", ["tf32", "fp16"])
def test_what_is_not_finite_stays_in_its_windows(precision: str) -> None:
    rng = np.random.default_rng(7)
    x = rng.standard_normal((1, 3, 8, 9)).astype("float32")
    x[0, 1, 3, 4], x[0, 2, 7, 0] = np.nan, np.inf
    w = rng.standard_normal((4, 3, 3, 3)).astype("float32")
    with gpu_precision(precision):
        (y,) = served("cupy", "conv", x, w, padding=1)
    expected = ops.conv.reference(rounded(x, precision), rounded(w, precision), padding=1)
    assert_close(y, expected, 1e-6, "y")


def test_half_overflows_where_tf32_does_not() -> None:
    x, w = np.full((1, 1, 1), 65520, "float32"), np.ones((1, 1, 1), "float32")
    with gpu_precision("fp16"):
        assert np.isinf(served("cupy", "conv", x, w)[0]).all()
    with gpu_precision("tf32"):
        assert_close(served("cupy", "conv", x, w)[0], x, 2.0**-11, "y")


def test_the_setting_is_a_context_and_names_what_there_is() -> None:
    before = active_gpu_precision()
    with gpu_precision("fp16") as setting:
        assert active_gpu_precision() == "fp16"
        assert "fp16" in repr(setting)
        with gpu_precision("tf32"):
            assert active_gpu_precision() == "tf32"
        with setting:
            assert active_gpu_precision() == "fp16"
    assert active_gpu_precision() == before
    with pytest.raises(ValueError, match="gpu_precision: no precision 'half'; there are tf32, "):
        gpu_precision("half")
    assert minis.gpu_precision is gpu_precision
