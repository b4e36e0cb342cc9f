"""Names in a picture cover neither each other nor the points."""

import itertools

import numpy as np

from benchmarks.placement import MARKER, Box, place


def test_nothing_overlaps_in_a_crowd():
    """40 points, many of them close together."""
    rng = np.random.default_rng(0)
    points = [tuple(p) for p in rng.normal([300, 200], [120, 50], (40, 2))]
    area = Box(0, 0, 600, 400)
    boxes = place(points, [(50, 8)] * 40, area)
    for a, b in itertools.combinations(boxes, 2):
        assert not a.meets(b)
    for box in boxes:
        assert box.left >= 0
        assert box.right <= 600
        for x, y in points:
            assert not box.meets(Box(x - MARKER, y - MARKER, x + MARKER, y + MARKER))


def test_taken_places_stay_free():
    """The first choice, to the right, is taken."""
    taken = Box(52, 45, 90, 55)
    (box,) = place([(50, 50)], [(20, 8)], Box(0, 0, 100, 100), texts=[taken])
    assert not box.meets(taken)
