"""Overlap-tile prediction against predicting the whole image at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import correlate

from minis.data import predict_tiled
from minis.data.tiles import mirrored


@given(
    n=st.integers(1, 8),
    before=st.integers(0, 30),
    after=st.integers(0, 30),
    start=st.integers(0, 3),
)
def test_mirrored_is_numpys_reflect(n, before, after, start):
    start = min(start, n)
    padded = np.pad(np.arange(n), (before, after), mode="reflect")
    np.testing.assert_array_equal(mirrored(-before, n + after, n), padded)
    np.testing.assert_array_equal(mirrored(start, n + after, n), padded[before + start :])


def convolution(weights, valid):
    """A predictor: a convolution of (N, C, *S) with weights (K, C, *k), valid or zero-padded."""

    def predict(x):
        y = np.array(
            [
                [
                    sum(correlate(c, w, mode="constant") for c, w in zip(one, kernel, strict=True))
                    for kernel in weights
                ]
                for one in x
            ]
        )
        if not valid:
            return y
        inner = tuple(
            slice(k // 2, n - k // 2) for k, n in zip(weights.shape[2:], x.shape[2:], strict=True)
        )
        return y[(..., *inner)]

    return predict


def whole(weights, image):
    """The same convolution of an image continued mirrored."""
    margins = [(0, 0), *((k // 2, k // 2) for k in weights.shape[2:])]
    padded = np.pad(image, margins, mode="reflect")
    return convolution(weights, valid=True)(padded[None])[0]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_tiling_leaves_no_trace(data):
    dims = data.draw(st.integers(1, 3))
    size = tuple(data.draw(st.integers(1, 20 if dims < 3 else 7)) for _ in range(dims))
    reach = tuple(data.draw(st.integers(0, 3)) for _ in range(dims))
    valid = data.draw(st.booleans())
    margin = tuple(r if valid else r + data.draw(st.integers(0, 2)) for r in reach)
    tile = tuple(2 * m + data.draw(st.integers(1, 9)) for m in margin)
    rng = np.random.default_rng(data.draw(st.integers(0, 999)))
    image = rng.standard_normal((2, *size))
    weights = rng.standard_normal((3, 2, *(2 * r + 1 for r in reach)))
    result = predict_tiled(
        convolution(weights, valid), image, tile, margin, batch_size=data.draw(st.integers(1, 5))
    )
    np.testing.assert_allclose(result, whole(weights, image), rtol=1e-12, atol=1e-12)


def test_a_margin_larger_than_the_image():
    weights = np.random.default_rng(0).standard_normal((1, 1, 15, 15))
    image = np.random.default_rng(1).standard_normal((1, 3, 1))
    result = predict_tiled(convolution(weights, valid=True), image, tile=20, margin=7)
    np.testing.assert_allclose(result, whole(weights, image), rtol=1e-12)


def test_batches_hold_what_they_may_and_the_dtype_is_the_predictors():
    seen = []

    def predict(x):
        seen.append(x.shape)
        return x.astype(np.float16)

    image = np.random.default_rng(0).random((3, 10, 13)).astype(np.float32)
    result = predict_tiled(predict, image, (6, 8), (1, 2), batch_size=4)
    assert result.dtype == np.float16
    np.testing.assert_array_equal(result, image.astype(np.float16))
    assert seen == [(4, 3, 6, 8)] * 3  # 3 × 4 tiles


def test_tiles_start_at_multiples_of_their_inner_size():
    """A network that halves and doubles agrees with itself on the whole image."""

    def pooled(x):
        n, c, h, w = x.shape
        small = x.reshape(n, c, h // 4, 4, w // 4, 4).max(axis=(3, 5))
        return small.repeat(4, axis=2).repeat(4, axis=3)

    image = np.random.default_rng(0).random((1, 32, 48))
    result = predict_tiled(pooled, image, tile=16, margin=4)
    np.testing.assert_array_equal(result, pooled(image[None])[0])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"tile": 8, "margin": 4}, r"margin \(4, 4\) leaves nothing of a tile of \(8, 8\)"),
        ({"tile": 8, "margin": -1}, r"margin \(-1, -1\)"),
        ({"tile": (8, 8, 8), "margin": 1}, r"tile=\(8, 8, 8\) for an image of 2 spatial axes"),
        ({"tile": 8, "margin": 1, "batch_size": 0}, "in batches of 0"),
        (
            {"tile": 8, "margin": 1, "predict": lambda x: x[..., :5]},
            r"returned shape \(1, 1, 8, 5\)",
        ),
        ({"tile": 8, "margin": 1, "predict": lambda x: x[0]}, r"returned shape \(1, 8, 8\)"),
        ({"tile": 8, "margin": 1, "image": np.zeros((1, 0, 5))}, r"image of shape \(1, 0, 5\)"),
    ],
)
def test_what_cannot_be(arguments, text):
    defaults = {"predict": lambda x: x, "image": np.zeros((1, 5, 5))}
    with pytest.raises(ValueError, match="predict_tiled: .*" + text):
        predict_tiled(**(defaults | arguments))
