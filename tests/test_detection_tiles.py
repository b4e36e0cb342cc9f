"""Objects of large images, found tile by tile: each once, whole where a tile has it whole."""

from itertools import pairwise

import numpy as np
import pytest

from minis.data import Sample, Samples
from minis.detection_tiles import find_objects, scores_in_tiles, tile_places
from minis.found_objects import FoundObjects, Patch, joined
from minis.nn import Module
from minis.training import connected_components

RNG = np.random.default_rng(0)


def bright(images):
    """Find connected bright pixels; their brightness, to a tenth, is the class."""
    numbers, count = connected_components(images[0][0] > 0)
    masks = np.arange(1, count + 1)[:, None, None] == numbers
    boxes = [(x.min(), y.min(), x.max() + 1, y.max() + 1) for y, x in map(np.nonzero, masks)]
    values = np.array([images[0][0][mask].max() for mask in masks])
    return [
        {
            "boxes": np.array(boxes, np.float32).reshape(-1, 4),
            "labels": np.rint(10 * values).astype(int),
            "scores": 1 - np.arange(len(masks)) / 1000,
            "masks": masks[:, None].astype(np.float32),
        }
    ]


def scattered(size, side, count):
    """Boxes up to `side` large that don't touch, and the image of them."""
    image, boxes = np.zeros((1, *size)), []
    while len(boxes) < count:
        h, w = RNG.integers(2, side, 2, endpoint=True)
        y, x = RNG.integers(0, size[0] - h + 1), RNG.integers(0, size[1] - w + 1)
        if not image[0, max(y - 1, 0) : y + h + 1, max(x - 1, 0) : x + w + 1].any():
            image[0, y : y + h, x : x + w] = 0.1 * RNG.integers(1, 4)
            boxes.append((x, y, x + w, y + h))
    return image, sorted(boxes)


@pytest.mark.parametrize(("size", "side"), [((230, 190), 64), ((64, 400), 48), ((81, 81), 64)])
def test_each_object_is_found_once(size, side):
    image, boxes = scattered(size, side // 2 - 2, 25 if min(size) > 70 else 12)
    found = find_objects(bright, image, side)
    assert sorted(map(tuple, found.boxes.astype(int).tolist())) == boxes
    assert (np.diff(found.scores) <= 0).all()
    for mask, (x1, y1, x2, y2), label in zip(found.masks, found.boxes, found.labels, strict=True):
        expected = np.zeros(size, bool)
        expected[int(y1) : int(y2), int(x1) : int(x2)] = True
        np.testing.assert_array_equal(mask, expected)
        assert label == round(10 * image[0][mask].max())


def test_whole_and_in_tiles_agree():
    image, _ = scattered((90, 100), 20, 8)
    whole, tiled = find_objects(bright, image), find_objects(bright, image, 60)
    np.testing.assert_array_equal(whole.instances() > 0, tiled.instances() > 0)
    assert len(whole) == len(tiled)


def test_an_object_too_large_for_a_tile_is_found_in_parts_that_hardly_overlap():
    image = np.zeros((1, 60, 300))
    image[:, 10:40, 20:280] = 0.1
    found = find_objects(bright, image, 60)
    assert 2 <= len(found) <= 6
    assert sum(mask.sum() for mask in found.masks) <= 1.5 * (image > 0).sum()


def test_classes_do_not_suppress_each_other():
    def both(images):
        (one,) = bright(images)
        two = {**one, "labels": one["labels"] + 5}
        return [{name: np.concatenate([one[name], two[name]]) for name in one}]

    image, boxes = scattered((150, 150), 20, 6)
    assert len(find_objects(both, image, 64)) == 2 * len(boxes)


def test_nothing_in_any_tile():
    found = find_objects(bright, np.zeros((1, 200, 200)), 64)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
    assert not found.instances().any()


def test_tiles_share_half_their_side_and_reach_the_end():
    for length in range(1, 400):
        for side in (16, 63):
            places = tile_places(length, side)
            assert places[0].start == 0
            assert places[-1].stop == length
            if length <= 1.25 * side:
                assert len(places) == 1
                continue
            for one, two in pairwise(places):
                assert one.stop - two.start >= side // 2
            assert {place.stop - place.start for place in places} == {side}
    assert tile_places(1000, None) == [slice(0, 1000)]


def test_found_objects_keep_their_masks():
    masks = RNG.random((5, 1, 12, 9)) * (RNG.random((5, 1, 12, 9)) > 0.9)
    masks[3] = 0
    told = {
        "boxes": RNG.random((5, 4)), "labels": np.arange(1, 6), "scores": RNG.random(5),
        "masks": masks,
    }  # fmt: skip
    found = FoundObjects.read(told, (12, 9))
    assert len(found.masks) == len(found) == 5
    for mask, expected in zip(found.masks, masks[:, 0] > 0.5, strict=True):
        np.testing.assert_array_equal(mask, expected)
    assert Patch.cut(masks[3, 0] > 0.5).mask.size == 0
    numbers = found.instances()
    for row in (4, 2, 1, 0):
        earlier = (masks[:row, 0] > 0.5).any(axis=0)
        expected = (masks[row, 0] > 0.5) & ~earlier
        np.testing.assert_array_equal(numbers == row + 1, expected)
    chosen = found.chosen(found.labels > 3)
    np.testing.assert_array_equal(chosen.labels, [4, 5])
    np.testing.assert_array_equal(chosen.masks[1], found.masks[4])
    moved = found.moved((3, 2), (20, 20))
    np.testing.assert_array_equal(moved.masks[0][3:15, 2:11], found.masks[0])
    assert moved.masks[0].sum() == found.masks[0].sum()
    np.testing.assert_allclose(moved.boxes - found.boxes, [[2, 3, 2, 3]] * 5)
    assert len(joined([found, found.chosen([0])])) == 6
    with pytest.raises(ValueError, match="no parts"):
        joined([])


def test_scores_are_those_of_what_is_found_in_tiles():
    """An object that no tile has whole counts as it was found: in part."""

    class Bright(Module):
        def forward(self, images):
            return bright(images)

    image, boxes = scattered((90, 100), 20, 8)
    instances = connected_components(image[0])[0]
    classes = np.rint(10 * image[0]).astype(np.int64)
    dataset = Samples([Sample(image.astype(np.float32), classes, instances)], ("0", "1", "2", "3"))
    scores = scores_in_tiles(Bright(), dataset, channels=1, side=60)
    assert scores["mask_ap"] == pytest.approx(1.0)
    assert len(boxes) == 8
    in_parts = scores_in_tiles(Bright(), dataset, channels=1, side=16)
    assert in_parts["mask_ap"] < 0.9
