"""The drawing primitives against plain loops and SciPy."""

import math

import numpy as np
import pytest
from scipy import ndimage

from minis.data.drawing import blur, clouds, ellipse, polygon, rectangle


def test_ellipse_against_a_loop():
    size, centre, radii, angle = (20, 26), (9.3, 12.1), (4.0, 9.0), 0.5
    mask = ellipse(size, centre, radii, angle)
    for i, j in np.ndindex(*size):
        y, x = i - centre[0], j - centre[1]
        a = (math.cos(angle) * y + math.sin(angle) * x) / radii[0]
        b = (math.cos(angle) * x - math.sin(angle) * y) / radii[1]
        assert mask[i, j] == (a * a + b * b <= 1)
    assert mask.sum() == pytest.approx(math.pi * 4 * 9, rel=0.05)


@pytest.mark.parametrize("corners", [3, 4, 7])
@pytest.mark.parametrize("way", [1, -1])
def test_polygon_has_its_area_either_way_around(corners, way):
    angles = way * (0.3 + 2 * math.pi * np.arange(corners) / corners)
    points = 30 + 25 * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    area = corners / 2 * 25**2 * math.sin(2 * math.pi / corners)
    assert polygon((60, 60), points).sum() == pytest.approx(area, rel=0.03)


def test_rectangle_is_a_polygon():
    corners = [(2, 3), (2, 7), (8, 7), (8, 3)]
    assert (rectangle((10, 12), 2, 3, 8, 7) == polygon((10, 12), corners)).all()


@pytest.mark.parametrize("sigma", [0.8, (0, 1.5), (2.0, 0.5)])
def test_blur_is_scipys_gaussian(sigma):
    image = np.random.default_rng(0).random((3, 17, 23))
    sigmas = (sigma, sigma) if isinstance(sigma, float) else sigma
    radius = [math.ceil(3 * s) for s in sigmas]
    expected = np.stack(
        [ndimage.gaussian_filter(c, sigmas, mode="reflect", radius=radius) for c in image]
    )
    np.testing.assert_allclose(blur(image, sigma), expected, rtol=1e-12)


def test_clouds_stay_within_their_corner_values():
    light = clouds((9, 13, 5), np.random.default_rng(0), cells=2)
    corners = np.random.default_rng(0).random((2, 2, 2))
    assert light[0, 0, 0] == corners[0, 0, 0]
    assert light[-1, -1, -1] == pytest.approx(corners[-1, -1, -1])
    assert light[4, 6, 2] == pytest.approx(corners.mean())
