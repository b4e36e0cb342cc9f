"""Matching of instances: cases worked by hand, and a search over all pairs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minis.training import InstanceCounts, connected_components, match_instances


def counts(prediction, target, threshold=0.5):
    found = match_instances(np.array(prediction), np.array(target), threshold)
    return found.true_positives, found.false_positives, found.false_negatives


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        ([1, 1, 0, 2, 2], [7, 7, 0, 3, 3], (2, 0, 0)),  # other numbers, same objects
        ([0, 0, 0], [1, 1, 0], (0, 0, 1)),  # missed
        ([1, 0, 2], [0, 0, 0], (0, 2, 0)),  # invented
        ([0, 0], [0, 0], (0, 0, 0)),
        ([1, 1, 2, 2], [1, 1, 1, 1], (0, 2, 1)),  # split in halves: IoU of exactly ½ each
        ([1, 1, 1, 2], [1, 1, 1, 1], (1, 1, 0)),  # split 3 : 1
        ([1, 1, 1, 1], [1, 1, 2, 2], (0, 1, 2)),  # merged
        ([0, 1, 1, 1, 0], [0, 0, 1, 1, 1], (0, 1, 1)),  # shifted: 2 of 4
        ([1, 1, 1, 1, 0], [0, 1, 1, 1, 1], (1, 0, 0)),  # shifted: 3 of 5
        ([[1, 1], [0, 2]], [[2, 2], [0, 1]], (2, 0, 0)),
        ([], [], (0, 0, 0)),
    ],
)
def test_worked_by_hand(prediction, target, expected):
    assert counts(np.array(prediction, int), np.array(target, int)) == expected


def test_a_higher_threshold_is_strict_too():
    prediction, target = [1, 1, 1, 0], [1, 1, 1, 1]
    assert counts(prediction, target, 0.74) == (1, 0, 0)
    assert counts(prediction, target, 0.75) == (0, 1, 1)


@st.composite
def pairs_of_maps(draw):
    shape = draw(hnp.array_shapes(max_dims=2, max_side=6))
    maps = hnp.arrays(np.int32, shape, elements=st.sampled_from([0, 1, 2, 5]))
    target = draw(maps)
    changed = draw(hnp.arrays(bool, shape, elements=st.booleans()))
    return np.where(changed, draw(maps), target), target


@settings(deadline=None)
@given(pairs_of_maps(), st.sampled_from([0.5, 0.6, 0.9]))
def test_equals_a_search_over_all_pairs_and_partners_are_unique(maps, threshold):
    prediction, target = maps
    partners = []
    for p in set(prediction.flat) - {0}:
        for t in set(target.flat) - {0}:
            both = ((prediction == p) & (target == t)).sum()
            either = ((prediction == p) | (target == t)).sum()
            if both / either > threshold:
                partners.append((p, t))
    hits = len(partners)
    assert len({p for p, _ in partners}) == hits == len({t for _, t in partners})
    assert counts(prediction, target, threshold) == (
        hits,
        len(set(prediction.flat) - {0}) - hits,
        len(set(target.flat) - {0}) - hits,
    )


def test_precision_recall_and_f1():
    found = InstanceCounts(3, 1, 2)
    assert (found.precision, found.recall) == (3 / 4, 3 / 5)
    assert found.f1 == pytest.approx(2 * (3 / 4) * (3 / 5) / (3 / 4 + 3 / 5))
    assert math.isnan(InstanceCounts().f1)
    assert InstanceCounts(0, 2, 0).f1 == 0
    assert math.isnan(InstanceCounts(0, 2, 0).recall)
    assert sum([found, found], InstanceCounts()).f1 == found.f1


@pytest.mark.parametrize(
    ("prediction", "target", "threshold", "error", "text"),
    [
        ([1], [1], 0.4, ValueError, "threshold must be at least 0.5 and less than 1, got 0.4"),
        ([1], [1], 1.0, ValueError, "threshold"),
        ([1], [1, 1], 0.5, ValueError, r"prediction has shape \(1,\) but target has \(2,\)"),
        ([-1], [1], 0.5, ValueError, "prediction holds -1, expected ≥ 0"),
        ([1], [0.5], 0.5, TypeError, "target has dtype float64"),
    ],
)
def test_says_what_is_wrong(prediction, target, threshold, error, text):
    with pytest.raises(error, match="match_instances: " + text):
        match_instances(np.array(prediction), np.array(target), threshold)


@settings(deadline=None)
@given(hnp.arrays(bool, hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)), st.data())
def test_components_equal_a_flood(mask, data):
    connectivity = data.draw(st.integers(1, mask.ndim))
    components, count = connected_components(mask, connectivity)
    assert components.dtype == np.int32
    assert set(components.flat) - {0} == set(range(1, count + 1))
    assert ((components != 0) == mask).all()
    pixels = [tuple(p) for p in np.argwhere(mask)]
    label = {p: i for i, p in enumerate(pixels)}
    changed = True
    while changed:  # each pixel takes the smallest label that it touches, until none changes
        changed = False
        for p in pixels:
            for q in pixels:
                apart = [abs(a - b) for a, b in zip(p, q, strict=True)]
                if max(apart) <= 1 and sum(apart) <= connectivity and label[q] < label[p]:
                    label[p], changed = label[q], True
    for p in pixels:
        for q in pixels:
            assert (label[p] == label[q]) == (components[p] == components[q])


def test_a_corner_is_no_face():
    mask = np.eye(2, dtype=int)
    assert connected_components(mask)[1] == 2
    assert connected_components(mask, 2)[1] == 1
    with pytest.raises(ValueError, match="connectivity must be 1 to 2, the number of axes, got 3"):
        connected_components(mask, 3)
