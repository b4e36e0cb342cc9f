"""The convolution kernels on shapes between their fast paths, against the NumPy text in float64."""

import numpy as np
import pytest

import minis
from minis import ops

pytest.importorskip("numba", reason="Numba is not installed")

from minis_kernels.geometry import conv_geometry
from minis_kernels.numba_cpu import choice, scratch
from minis_kernels.numba_cpu.algorithms import algorithm_of

# name: x, w, options, how forward is served
SHAPES = {
    "one pixel": ((1, 8, 1, 1), (4, 8, 3, 3), {"padding": 1}, "winograd"),
    "one tile and a remainder": ((1, 9, 5, 5), (5, 9, 3, 3), {"padding": 1}, "winograd"),
    "odd sizes": ((2, 11, 37, 71), (13, 11, 3, 3), {"padding": (0, 2)}, "winograd"),
    "wider than a register of tiles": ((1, 8, 6, 150), (8, 8, 3, 3), {"padding": 1}, "winograd"),
    "many tiles": ((3, 16, 90, 61), (24, 16, 3, 3), {"padding": 1}, "winograd"),
    "few tiles, many channels": ((2, 70, 9, 10), (67, 70, 3, 3), {"padding": 1}, "winograd"),
    "more padding than filter": ((1, 8, 9, 9), (8, 8, 3, 3), {"padding": 4}, "winograd"),
    "three axes": ((2, 33, 5, 14, 15), (34, 33, 3, 3, 3), {"padding": 1}, "winograd"),
    "flat third axis": ((1, 8, 7, 9, 9), (8, 8, 1, 3, 3), {"padding": (0, 1, 1)}, "winograd"),
    "deep third axis": ((1, 8, 9, 9, 9), (8, 8, 5, 3, 3), {"padding": (2, 1, 1)}, "winograd"),
    "5×5 in four parts": ((1, 9, 129, 134), (10, 9, 5, 5), {"padding": (0, 3)}, "winograd"),
    "5×5, dw too": ((1, 65, 65, 66), (64, 65, 5, 5), {"padding": 2}, "direct"),
    "5³": ((2, 33, 17, 15, 18), (34, 33, 5, 5, 5), {"padding": (2, 1, 2)}, "winograd"),
    "3×5×5, unpadded": ((1, 8, 18, 20, 19), (4, 8, 3, 5, 5), {}, "winograd"),
    "dilated": ((2, 64, 37, 41), (66, 64, 3, 3), {"padding": 2, "dilation": 2}, "phases"),
    "dilated, dw too": ((1, 128, 20, 19), (34, 128, 3, 3), {"padding": 3, "dilation": 2}, "phases"),
    "dilated unevenly, by phases": (
        (1, 128, 30, 29),
        (130, 128, 3, 3),
        {"padding": (0, 4), "dilation": (2, 3)},
        "phases",
    ),
    "dilated 5×5": ((1, 16, 140, 131), (9, 16, 5, 5), {"padding": 4, "dilation": 2}, "phases"),
    "dilated, three axes": (
        (1, 128, 3, 21, 18),
        (8, 128, 3, 3, 3),
        {"padding": (1, 2, 2), "dilation": (1, 2, 2)},
        "phases",
    ),
    "dilated too far": ((1, 64, 30, 30), (8, 64, 3, 3), {"padding": 5, "dilation": 5}, "direct"),
    "one channel": ((2, 1, 33, 35), (64, 1, 3, 3), {"padding": 1}, "direct"),
    "one output": ((2, 64, 33, 35), (1, 64, 3, 3), {"padding": 1}, "direct"),
    "stride and dilation": (
        (2, 20, 40, 45),
        (17, 20, 3, 5),
        {"stride": (1, 2), "padding": (2, 1), "dilation": (2, 1)},
        "direct",
    ),
    "stride above the filter": ((1, 5, 20, 21), (6, 5, 2, 2), {"stride": 3}, "direct"),
    "long line": ((1, 2, 2100), (3, 2, 5), {"stride": 2, "padding": 1}, "direct"),
    "more taps than a chunk": ((1, 40, 10, 40), (9, 40, 5, 5), {"padding": 2}, "direct"),
    "pointwise": ((2, 40, 9, 50), (21, 40, 1, 1), {}, "direct"),
    "groups": ((2, 20, 9, 50), (24, 5, 3, 3), {"padding": 1, "groups": 4}, "direct"),
    "few a group": ((2, 6, 9, 20), (9, 2, 3, 3), {"padding": 1, "groups": 3}, "direct"),
    "depthwise": ((2, 6, 9, 40), (6, 1, 3, 5), {"padding": (0, 3), "groups": 6}, "depthwise"),
    "depthwise 3×3": ((2, 3, 14, 37), (3, 1, 3, 3), {"padding": 1, "groups": 3}, "depthwise"),
    "depthwise 3×3, padded more": (
        (1, 3, 7, 20),
        (3, 1, 3, 3),
        {"padding": (3, 2), "groups": 3},
        "depthwise",
    ),
    "depthwise 1×3×3": (
        (1, 2, 3, 9, 18),
        (2, 1, 1, 3, 3),
        {"padding": (1, 1, 0), "groups": 2},
        "depthwise",
    ),
    "depthwise, dilated": ((1, 3, 9, 20), (3, 1, 3, 3), {"dilation": 2, "groups": 3}, "depthwise"),
    "depthwise, strided": ((1, 3, 9, 20), (3, 1, 3, 3), {"stride": 2, "groups": 3}, "direct"),
}


def draw(x, w, options, dtype):
    """Draw input, filters, bias and the gradient of the output."""
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(x), rng.standard_normal(w)
    b = rng.standard_normal(len(w))
    dy = rng.standard_normal(ops.conv.reference(x, w, b, **options).shape)
    return [a.astype(dtype) for a in (x, w, b, dy)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SHAPES)
def test_agrees_with_the_text_in_float64(name, dtype):
    """Within 5e-5 of the largest number in float32, as promised; Winograd included."""
    *shapes, options, how = SHAPES[name]
    x, w, b, dy = draw(*shapes, options, dtype)
    limit = 5e-5 if dtype == "float32" else 1e-11
    with minis.use("numba"):
        got = (ops.conv(x, w, b, **options), *ops.conv_backward(dy, x, w, **options))
    assert algorithm_of("conv", x, w, b, **options) == how
    x, w, b, dy = (a.astype("float64") for a in (x, w, b, dy))
    expected = (
        ops.conv.reference(x, w, b, **options),
        *ops.conv_backward.reference(dy, x, w, **options),
    )
    for g, e in zip(got, expected, strict=True):
        assert g.dtype == dtype
        assert g.shape == e.shape
        assert np.abs(g - e).max() <= limit * np.abs(e).max()


@pytest.mark.parametrize("name", ["one pixel", "many tiles", "stride and dilation", "groups"])
def test_non_contiguous(name):
    """Reversed and transposed views give what their copies give."""
    *shapes, options, _ = SHAPES[name]
    x, w, _, dy = draw(*shapes, options, "float32")
    views = [np.flip(a.swapaxes(2, 3).copy().swapaxes(2, 3), 0) for a in (dy, x, w)]
    copies = [np.ascontiguousarray(view) for view in views]
    with minis.use("numba"):
        for a, b in zip(
            ops.conv_backward(*views, **options),
            ops.conv_backward(*copies, **options),
            strict=True,
        ):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("name", SHAPES)
def test_same_bits_for_any_number_of_threads(name):
    """Work is cut by shapes alone."""
    *shapes, options, _ = SHAPES[name]
    x, w, b, dy = draw(*shapes, options, "float32")
    before = minis.get_num_threads()
    results = []
    try:
        for count in sorted({1, before}):
            minis.set_num_threads(count)
            with minis.use("numba"):
                results.append(
                    (ops.conv(x, w, b, **options), *ops.conv_backward(dy, x, w, **options))
                )
    finally:
        minis.set_num_threads(before)
    for a, b in zip(results[0], results[-1], strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("channels", [(40, 36), (8, 64)])
def test_gradient_by_filters_uses_winograd_where_it_pays(channels):
    """Both algorithms, and what lies between, agree with the text."""
    inputs, outputs = channels
    g = conv_geometry((30, 31), (3, 3), 1, 1, 1)
    expected = "winograd" if min(channels) >= choice.LEAST_SUMMED else "direct"
    assert choice.weight_algorithm(inputs, outputs, g, 1) == expected
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, inputs, 30, 31)), rng.standard_normal((2, outputs, 30, 31))
    w = rng.standard_normal((outputs, inputs, 3, 3))
    with minis.use("numba"):
        dw = ops.conv_backward(dy, x, w, padding=1)[1]
    np.testing.assert_allclose(dw, ops.conv_backward.reference(dy, x, w, padding=1)[1], atol=1e-10)


def test_accuracy_of_many_channels():
    """512 channels in float32: the points of the transform keep Winograd's error small."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 512, 12, 12), dtype=np.float32)
    w = rng.standard_normal((16, 512, 3, 3), dtype=np.float32)
    with minis.use("numba"):
        y = ops.conv(x, w, padding=1)
    exact = ops.conv.reference(x.astype(float), w.astype(float), padding=1)
    assert np.abs(y - exact).max() < 1e-5 * np.abs(exact).max()


def test_results_share_no_scratch():
    """Buffers are kept between calls, results are not among them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 8, 20, 20))
    w = rng.standard_normal((8, 8, 3, 3))
    with minis.use("numba"):
        first = ops.conv(x, w, padding=1)
        copy = first.copy()
        ops.conv(2 * x, w, padding=1)
        ops.conv(x, w, stride=2)
    assert np.array_equal(first, copy)
    assert not any(np.shares_memory(first, kept) for kept in scratch._kept.values())


def test_large_buffers_are_not_kept():
    """Above the limit each call has its own."""
    size = scratch.LARGEST // 4 + 1
    a = scratch.scratch("test", (size,), np.float32)
    assert not np.shares_memory(a, scratch.scratch("test", (size,), np.float32))
