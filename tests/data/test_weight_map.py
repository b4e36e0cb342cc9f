"""The border weight map against plain loops over all pixels and cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minis.data import Cells, separate_touching, weight_map
from minis.data.weight_map import two_nearest


def brute_force(instances, w0, sigma, spacing):
    """The formula, one pixel and one cell at a time."""
    numbers = [n for n in np.unique(instances) if n]
    points = {n: np.argwhere(instances == n) * spacing for n in numbers}
    kinds = len(np.unique(instances > 0))
    weights = np.empty(instances.shape)
    for place in np.ndindex(instances.shape):
        own = (instances > 0) == (instances[place] > 0)
        weights[place] = instances.size / (kinds * own.sum())
        distances = sorted(
            np.sqrt(((points[n] - np.array(place) * spacing) ** 2).sum(axis=1)).min()
            for n in numbers
        )
        if instances[place] == 0 and len(distances) > 1:
            d1, d2 = distances[:2]
            weights[place] += w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))
    return weights


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.sampled_from([(1, 30), (17, 23), (40, 12), (6, 9, 11)]),
    sigma=st.sampled_from([0.7, 1.5, 5.0]),
    cells=st.integers(0, 5),
    anisotropic=st.booleans(),
)
def test_weight_map_is_the_formula(seed, size, sigma, cells, anisotropic):
    rng = np.random.default_rng(seed)
    instances = np.zeros(size, int)
    for number in range(1, cells + 1):
        corner = [rng.integers(n) for n in size]
        instances[tuple(slice(c, c + rng.integers(1, 5)) for c in corner)] = 3 * number
    spacing = rng.uniform(0.5, 3, len(size)) if anisotropic else np.ones(len(size))
    result = weight_map(instances, w0=7.0, sigma=sigma, spacing=tuple(spacing))
    assert result.dtype == np.float32
    expected = brute_force(instances, 7.0, sigma, spacing)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


def test_distances_are_exact_within_reach_and_greater_beyond():
    rng = np.random.default_rng(0)
    instances = np.zeros((40, 60), int)
    for number, (i, j) in enumerate(rng.integers(0, 40, (6, 2)), start=1):
        instances[i, j] = number
    whole = np.stack(two_nearest(instances, reach=1000))
    near = np.stack(two_nearest(instances, reach=9))
    exact = whole <= 9
    np.testing.assert_array_equal(near[exact], whole[exact])
    assert (near[~exact] > 9).all()


def test_balance_gives_both_kinds_the_same_total_and_mean_one():
    instances = Cells(1)[0].instances
    balance = weight_map(instances, w0=0)
    cells = balance[instances > 0].sum(dtype=float)
    assert cells == pytest.approx(balance[instances == 0].sum(dtype=float), rel=1e-5)
    assert balance.mean(dtype=float) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("value", [0, 4])
def test_one_kind_alone_weighs_one(value):
    assert (weight_map(np.full((5, 5), value)) == 1).all()


def test_the_gap_weighs_most():
    instances = np.zeros((20, 41), int)
    instances[5:15, 10:20], instances[5:15, 21:31] = 1, 2
    weights = weight_map(instances)
    assert weights.argmax() % 41 == 20
    balance = 820 / (2 * (820 - 200))
    assert weights[10, 20] == pytest.approx(balance + 10 * np.exp(-4 / 50), rel=1e-6)


def test_sigma_and_spacing_must_be_positive():
    with pytest.raises(ValueError, match="weight_map: sigma=0"):
        weight_map(np.zeros((2, 2), int), sigma=0)
    with pytest.raises(ValueError, match=r"spacing=\(1, 0\), expected 2 positive numbers"):
        weight_map(np.zeros((2, 2), int), spacing=(1, 0))


@pytest.mark.parametrize("seed", range(3))
def test_separated_cells_touch_no_longer(seed):
    before = Cells(1, seed=seed)[0].instances
    after = separate_touching(before)
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        other = np.roll(after, shift, (0, 1))[1:-1, 1:-1]
        here = after[1:-1, 1:-1]
        assert not ((here != other) & (here > 0) & (other > 0)).any()
    for i, j in np.argwhere((before > 0) & (after == 0)):  # only rims were cut
        around = before[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
        assert ((around != before[i, j]) & (around > 0)).any()
    assert (before[after > 0] > 0).all()


def test_cells_far_from_each_other_stay_as_they_are():
    instances = np.array([[1, 1, 0, 2], [1, 1, 0, 2]])
    np.testing.assert_array_equal(separate_touching(instances), instances)
