"""What a divergence looks like: each pattern on its own mistake, and on none of the others."""

import numpy as np
import pytest

from minis.learn.comparing.patterns import (
    PATTERNS,
    borders_only,
    channel_order,
    constant_per_channel,
    constant_scale,
    half_pixel_shift,
    pixel_shift,
    recognise,
    recognise_weights,
    transposed_axes,
)
from minis.learn.comparing.step import difference

A = np.random.default_rng(0).standard_normal((2, 4, 9, 9))
BIAS = np.array([0.5, -1, 0, 2]).reshape(1, 4, 1, 1)


def framed(a, width):
    """Other values at the borders."""
    b = a + 1.0 + np.arange(a.shape[-1])
    inside = (..., slice(width, -width), slice(width, -width))
    b[inside] = a[inside]
    return b


def halfway(a, *moves):
    """Moved by half a pixel along some of the last axes."""
    for axis, step in moves:
        a = (a + np.roll(a, step, axis)) / 2
    return a


# what theirs is, the pattern that must see it, and what it says
CASES = {
    "scale": (-1.5 * A, constant_scale, "theirs is ours times -1.5"),
    "a third": (A / 3, constant_scale, "times 0.333333 = 1/3"),
    "bias": (A + BIAS, constant_per_channel, "a constant in each channel (0.5, -1, 0 …)"),
    "reversed channels": (A[:, ::-1], channel_order, "in the order 3, 2, 1, 0"),
    "halves": (A[:, [3, 0, 1, 2]], channel_order, "begin with our channel 3, our first 3 come la"),
    "transpose": (A.swapaxes(2, 3), transposed_axes, "our spatial axes in the order 1, 0"),
    "mirror": (A[:, :, ::-1], transposed_axes, "read backwards along 0"),
    "both mirrored": (A[:, :, ::-1, ::-1], transposed_axes, "read backwards along 0 and 1"),
    "one pixel": (np.roll(A, 1, 3), pixel_shift, "moved by 1 pixel along spatial axis 1"),
    "two back": (np.roll(A, -2, 2), pixel_shift, "moved by minus 2 pixels along spatial axis 0"),
    "both axes": (
        np.roll(A, (1, -1), (2, 3)),
        pixel_shift,
        "by 1 pixel along spatial axis 0 and minus 1 pixel along spatial axis 1",
    ),
    "half": (
        halfway(A, (2, 1)), half_pixel_shift, "moved by half a pixel along spatial axis 0",
    ),
    "half back, both": (
        halfway(A, (2, -1), (3, -1)),
        half_pixel_shift,
        "minus half a pixel along spatial axis 0 and minus half a pixel along spatial axis 1",
    ),
    "border": (framed(A, 2), borders_only, "only the outermost 2 of the spatial axes differ"),
    "smaller": (A[..., 1:-1, 1:-1], borders_only, "theirs is the inside of ours, smaller by 2"),
    "larger": (
        np.pad(A, ((0, 0), (0, 0), (2, 2), (2, 2))), borders_only, "which is larger by 4",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_pattern_sees_its_own(case):
    """The right one says it, no other one claims it, and `recognise` finds it."""
    theirs, pattern, says = CASES[case]
    assert says in pattern(A, theirs, 1e-9)
    assert [p for p in PATTERNS if p(A, theirs, 1e-9)] == [pattern]
    assert says in recognise(A, theirs, 1e-9)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_sees_what_isn_t_there(pattern):
    """In equal arrays, unrelated ones, other shapes, single numbers, zeros and NaN."""
    other = np.random.default_rng(1).standard_normal(A.shape)
    with np.errstate(invalid="ignore"):
        for ours, theirs in (
            (A, A),
            (A, other),
            (A, other[:1]),
            (A, other[:, :, 0]),
            (A[:, :, :1, :1], other[:, :, :1, :1]),
            (A[:1, :1, 0, 0], other[:1, :1, 0, 0]),
            (0 * A, other),
            (A, np.full_like(A, np.nan)),
        ):
            assert pattern(ours, theirs, 1e-9) is None


def test_a_half_pixel_may_be_rough():
    """Of a smooth picture sampled half a pixel further, most is explained."""
    grid = np.arange(24.0)
    picture = [np.sin(0.5 * (grid[:, None] + s) + 0.3 * grid) for s in (0, -0.5)]
    ours, theirs = (p[None, None] for p in picture)
    assert "half a pixel along spatial axis 0" in recognise(ours, theirs, 1e-9)


def test_weights():
    """All axes may have been exchanged; zeros are zeros."""
    w = np.random.default_rng(2).standard_normal((3, 2, 5, 5))
    assert "our axes in the order 1, 0, 2, 3" in recognise_weights(w, w.swapaxes(0, 1), 1e-9)
    assert "our axes in the order 0, 1, 3, 2" in recognise_weights(w, w.swapaxes(2, 3), 1e-9)
    assert "backwards along 2 and 3" in recognise_weights(w, w[..., ::-1, ::-1], 1e-9)
    assert "times 2" in recognise_weights(w, 2 * w, 1e-9)
    assert recognise_weights(w, 0 * w, 1e-9) == "theirs are zeros"
    assert recognise_weights(w, w + w[0], 1e-9) is None


def test_difference():
    """A fraction of the largest value; NaN and infinity must stand in the same places."""
    a = np.array([1.0, -8.0, np.nan, np.inf])
    assert difference(a, a) == 0
    assert difference(a, np.array([1.0, -6.0, np.nan, np.inf])) == 0.25
    assert difference(a, np.array([1.0, -8.0, 0.0, np.inf])) == np.inf
    assert difference(a, np.array([1.0, -8.0, np.nan, -np.inf])) == np.inf
    assert difference(np.zeros(3), np.zeros(3)) == 0
    assert difference(np.zeros(0), np.zeros(0)) == 0
