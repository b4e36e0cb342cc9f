"""Targets are checked before anything is computed; errors name the image and the box."""

import re

import numpy as np
import pytest

from minis.models.mask_rcnn.mask_rcnn import MaskRCNN
from minis.models.mask_rcnn.targets import checked_targets

SIZES = [(9, 8), (20, 30)]
IMAGES = [np.zeros((3, *size), np.float32) for size in SIZES]


def good_targets():
    """Two objects in the first image, one in the second."""
    boxes = [np.array([[0.0, 0, 4, 9], [1, 2, 3, 4]]), np.array([[5.0, 6, 25, 19]])]
    return [
        {
            "boxes": b.astype(np.float32),
            "labels": np.arange(1, 1 + len(b)),
            "masks": np.ones((len(b), *size), np.uint8),
        }
        for b, size in zip(boxes, SIZES, strict=True)
    ]


@pytest.mark.parametrize(
    "box",
    [
        [3.0, 1.0, 3.0, 5.0],  # no width
        [3.0, 5.0, 4.0, 5.0],  # no height
        [3.0, 5.0, 4.0, 1.0],  # upside down
        [3.0, 1.0, np.nan, 5.0],
        [3.0, 1.0, np.inf, 5.0],
        [3.0, 1.0, 3.0 + 1e-9, 5.0],  # no width in float32
    ],
)
def test_degenerate_boxes_are_named(box):
    """By image and row, as they were given."""
    model, targets = MaskRCNN.mini(num_classes=3), good_targets()
    targets[0]["boxes"] = np.array([[0.0, 0, 4, 9], box])
    text = "MaskRCNN: box 1 of image 0 must be finite, x1 < x2 and y1 < y2, got "
    with pytest.raises(ValueError, match="^" + re.escape(text + str(box)) + "$"):
        model(IMAGES, targets)
    assert not any(part._remembered for _, part in model.modules())


NONE = np.zeros((0, 4), np.float32)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        (
            {"boxes": np.zeros(4)},
            ValueError,
            r"boxes of image 1 must have shape \(M, 4\), got \(4,",
        ),
        ({"boxes": NONE}, ValueError, r"labels of image 1 must have shape \(0,\), .* got \(1,\)"),
        ({"labels": np.array([0])}, ValueError, "labels of image 1 must lie in 1 … 2, .* 0 … 0"),
        ({"labels": np.array([3])}, ValueError, "labels of image 1 must lie in 1 … 2, .* 3 … 3"),
        ({"labels": np.array([1.0])}, TypeError, "labels of image 1 must be of an integer dtype"),
        ({"labels": np.array([1, 2])}, ValueError, r"labels of image 1 .* \(1,\), .* got \(2,\)"),
        (
            {"masks": np.ones((20, 30))},
            ValueError,
            r"masks of image 1 .* \(1, 20, 30\), .* \(20, 30",
        ),
        ({"masks": np.ones((1, 30, 20))}, ValueError, r"masks of image 1 must have shape"),
        ({"masks": np.full((1, 20, 30), 255)}, ValueError, "must be 0 or 1, got 255 … 255"),
        ({"masks": -np.ones((1, 20, 30))}, ValueError, "must be 0 or 1, got -1.0 … -1.0"),
    ],
)
def test_what_is_wrong_is_named(changes, error, text):
    """Shapes, dtypes and values of the second image's targets."""
    first, second = good_targets()
    with pytest.raises(error, match="^MaskRCNN: .*" + text):
        MaskRCNN.mini(num_classes=3)(IMAGES, [first, {**second, **changes}])


def test_what_is_missing_is_named():
    """Entries, and targets."""
    model, (first, second) = MaskRCNN.mini(num_classes=3), good_targets()
    with pytest.raises(ValueError, match="target of image 1 has no labels, masks"):
        model(IMAGES, [first, {"boxes": second["boxes"]}])
    with pytest.raises(
        ValueError, match="targets must have one entry for each of the 2 images, got 1"
    ):
        model(IMAGES, [first])
    with pytest.raises(ValueError, match="MaskRCNN: training needs targets"):
        model(IMAGES)


def test_what_is_right_is_kept():
    """Lists become arrays; what else there is, is handed on; nothing given is written to."""
    given = {"boxes": [[1, 2, 3, 4]], "labels": [2], "masks": [np.ones((9, 8), bool)], "id": 7}
    (checked,) = checked_targets([given], IMAGES[:1], 3)
    assert checked["boxes"].dtype == np.float32
    assert checked["boxes"].tolist() == [[1, 2, 3, 4]]
    assert checked["labels"].tolist() == [2]
    assert checked["masks"].dtype == bool
    assert checked["id"] == 7
    assert given["boxes"] == [[1, 2, 3, 4]]
