"""Anchors and proposals follow torchvision's rules, written out as loops."""

import numpy as np
import pytest

import minis
from minis.models.mask_rcnn.anchors import map_to_rows, pyramid_anchors, rows_to_map
from minis.models.mask_rcnn.proposals import candidates, propose

from ...reference.rpn import loop_anchors, loop_proposals

RATIOS = (0.5, 1.0, 2.0)


@pytest.mark.parametrize("sizes", [((32,), (64,)), ((8, 13), (21, 40))])
def test_anchors_equal_the_loops(sizes):
    """Maps whose size doesn't divide the image's, of another stride along each axis."""
    shapes = [(5, 9), (3, 2)]
    features = [np.zeros((2, 1, *shape)) for shape in shapes]
    got = pyramid_anchors(features, (96, 130), sizes, RATIOS)
    expected = loop_anchors((96, 130), shapes, sizes, RATIOS)
    assert all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
    assert {a.dtype for a in got} == {np.dtype(np.float64)}


def test_rounding_is_half_to_even():
    """25 and 27 have halves 12.5 and 13.5."""
    features = [np.zeros((1, 1, 1, 1), np.float32)] * 3
    levels = pyramid_anchors(features, (32, 32), [(25,), (27,), (32,)], (1.0,))
    assert [level[0, 2] for level in levels] == [12, 14, 16]
    (level,) = pyramid_anchors(features[:1], (32, 32), [(32,)], RATIOS)
    assert level.tolist() == [[-23, -11, 23, 11], [-16, -16, 16, 16], [-11, -23, 11, 23]]


def test_rows_are_the_anchors_predictions():
    """Row (i·W + j)·A + a holds channels a·K … a·K + K − 1 of cell (i, j)."""
    n, a, k, h, w = 2, 3, 4, 5, 6
    x = np.random.default_rng(0).standard_normal((n, a * k, h, w))
    rows = map_to_rows(x, k)
    for at in np.ndindex(n, h, w, a):
        image, i, j, b = at
        assert np.array_equal(rows[image, (i * w + j) * a + b], x[image, b * k : b * k + k, i, j])
    assert np.array_equal(rows_to_map(rows, h, w), x)


def predictions(seed, spread=0.5):
    """Two levels of one image, and boxes that reach over its borders."""
    rng = np.random.default_rng(seed)
    shapes = [(6, 8), (3, 4)]
    anchors = loop_anchors((48, 64), shapes, ((16,), (32,)), RATIOS)
    anchors = [np.array(level, np.float64) for level in anchors]
    logits = [rng.standard_normal(len(level)) * 3 for level in anchors]
    deltas = [rng.standard_normal((len(level), 4)) * spread for level in anchors]
    return logits, deltas, anchors


@pytest.mark.parametrize("count", [1, 7, 40, 1000])
@pytest.mark.parametrize("spread", [0.1, 0.5, 4.0])
def test_proposals_equal_the_loops(count, spread, backend):
    """Fewer than there are, more than there are; with wild deltas that are capped and clipped."""
    args = predictions(count, spread)
    size = (45, 61)
    with minis.use(backend):
        boxes, scores = propose(*args, size, count=count)
    expected_boxes, expected_scores = loop_proposals(*args, size, count)
    assert boxes.shape == (len(expected_boxes), 4)
    assert len(boxes) <= count
    assert np.allclose(boxes, np.reshape(expected_boxes, (-1, 4)), rtol=0, atol=1e-10)
    assert np.allclose(scores, expected_scores, rtol=0, atol=1e-12)
    assert (np.diff(scores) <= 0).all()


def test_each_rule_shows():
    """The data of the test above meet every rule: without any one the result differs."""
    logits, deltas, anchors = predictions(7)
    size = (45, 61)
    every, _, levels = candidates(logits, deltas, anchors, size, count=1000)
    assert len(every) < sum(map(len, logits))  # some had nothing left
    kept, _ = propose(logits, deltas, anchors, size, count=1000)
    assert len(kept) < len(every)  # some were suppressed
    few, _, of = candidates(logits, deltas, anchors, size, count=7)
    assert (of == 0).sum() <= 7
    assert (of == 1).sum() <= 7
    assert len(few) > 7  # the number is each level's
    together = [np.concatenate(part) for part in (logits, deltas, anchors)]
    merged, _ = propose(*([part] for part in together), size, count=1000)
    assert len(merged) < len(kept)  # levels suppress apart
    assert levels.dtype == np.int64


def test_levels_never_suppress_each_other():
    """The same box twice on one level, and once on another."""
    box = np.array([[0.0, 0.0, 8.0, 8.0]])
    twice, once = np.repeat(box, 2, axis=0), box
    logits = [np.array([1.0, 1.0]), np.array([0.0])]
    boxes, scores = propose(
        logits, [np.zeros((2, 4)), np.zeros((1, 4))], [twice, once], (9, 9), count=9
    )
    assert len(boxes) == 2
    assert scores[1] == 0.5


def test_nothing_left():
    """All anchors outside the image; or below the threshold, or not a number."""
    outside = np.array([[-9.0, 0.0, -1.0, 8.0], [20.0, 3.0, 28.0, 9.0], [0.0, -8.0, 8.0, 0.0]])
    logits, deltas = [np.zeros(3)], [np.zeros((3, 4))]
    boxes, scores = propose(logits, deltas, [outside], (16, 16), count=5)
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)
    inside = np.array([[0.0, 0.0, 8.0, 8.0]] * 3)
    boxes, _ = propose(logits, deltas, [inside], (16, 16), count=5, score_threshold=0.6)
    assert boxes.shape == (0, 4)
    broken = [np.array([np.nan, 0.0, np.nan])]
    assert len(propose(broken, deltas, [inside], (16, 16), count=5)[0]) == 1


def test_smallest_box():
    """A width of exactly the smallest stays."""
    anchors = np.array([[0.0, 0.0, 1e-3, 4.0], [8.0, 0.0, 8.0009, 4.0]])
    boxes, _ = propose([np.zeros(2)], [np.zeros((2, 4))], [anchors], (16, 16), count=5)
    assert np.allclose(boxes, anchors[:1], atol=1e-12)
