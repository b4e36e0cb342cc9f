"""Otsu's threshold against trying every one, and stretching of intensities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minis.data import otsu_threshold, stretch


@given(st.lists(st.integers(0, 255), min_size=2, max_size=60))
def test_no_threshold_separates_better(values):
    x = np.array(values, float)

    def between(mask):
        if mask.all() or not mask.any():
            return 0.0
        return mask.mean() * (1 - mask.mean()) * (x[mask].mean() - x[~mask].mean()) ** 2

    best = max(between(x > t) for t in values)
    t = otsu_threshold(x, bins=4096)  # cells so small that each holds one value
    assert between(x > t) == pytest.approx(best, rel=1e-3, abs=1e-12)


def test_two_values_and_one():
    assert (np.array([3.0, 3, 8]) > otsu_threshold([3.0, 3, 8])).tolist() == [False, False, True]
    assert otsu_threshold(np.full((4, 4), 2.5)) == 2.5


@pytest.mark.parametrize("image", [np.zeros((0, 3)), np.array([1.0, np.nan])])
def test_nothing_to_threshold(image):
    with pytest.raises(ValueError, match="otsu_threshold: image of shape"):
        otsu_threshold(image)


def test_stretch_maps_percentiles_channel_by_channel():
    image = np.random.default_rng(0).random((2, 50, 50)) * [[[5.0]], [[0.1]]] + 3
    y = stretch(image, 10, 90)
    assert y.dtype == np.float32
    for channel, before in zip(y, image, strict=True):
        low, high = np.percentile(before, [10, 90])
        np.testing.assert_allclose(channel, np.clip((before - low) / (high - low), 0, 1), rtol=1e-5)
    assert (stretch(np.full((1, 3, 3), 7.0)) == 0).all()
