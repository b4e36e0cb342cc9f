"""What is reported, on candidates that are laid out by hand."""

import numpy as np
import pytest

from minis.models.mask_rcnn.detections import masks_of_classes, select_detections

A, B, C = [0.0, 0, 10, 10], [1.0, 0, 11, 10], [30.0, 20, 38, 28]  # A and B overlap by 9/11


def select(rows, **options):
    """Candidates as (scores of classes 0, 1, 2; the box that both classes predict)."""
    scores = np.array([scores for scores, _ in rows], np.float64).reshape(-1, 3)
    boxes = np.array([[box] * 3 for _, box in rows], np.float64).reshape(-1, 3, 4)
    found = select_detections(scores, boxes, (32, 40), **options)
    return found["labels"].tolist(), found["scores"].tolist(), found["boxes"].tolist()


def test_suppression_is_per_class():
    """B is dropped for class 1, where A is better, and stays for class 2, where A is below."""
    found = select([([0.1, 0.8, 0.01], A), ([0.1, 0.6, 0.3], B)])
    assert found == ([1, 2], [0.8, 0.3], [A, B])
    found = select([([0.1, 0.8, 0.01], A), ([0.1, 0.6, 0.3], B)], nms_threshold=0.82)
    assert found == ([1, 1, 2], [0.8, 0.6, 0.3], [A, B, B])


def test_background_is_not_reported():
    """However sure."""
    assert select([([0.99, 0.004, 0.006], A)]) == ([], [], [])


def test_score_must_exceed_the_threshold():
    """Strictly."""
    rows = [([0.5, 0.25, 0.25], A), ([0.5, 0.125, 0.375], C)]
    assert select(rows, score_threshold=0.25) == ([2], [0.375], [C])


def test_boxes_are_clipped_then_small_ones_dropped():
    """To the image's far borders; what is left of one outside has no extent."""
    rows = [
        ([0, 0.9, 0], [-5.0, -6, 50, 60]),
        ([0, 0.8, 0], [41.0, 3, 50, 20]),
        ([0, 0.7, 0], [3.0, 3, 3.009, 20]),
        ([0, 0.6, 0], [3.0, 3, 3.0101, 20]),
    ]
    found = select(rows)
    assert found == ([1, 1], [0.9, 0.6], [[0.0, 0, 40, 32], [3.0, 3, 3.0101, 20]])


def test_the_best_few_of_an_image():
    """Over all classes, best first."""
    rows = [([0, 0.2, 0.3], A), ([0, 0.5, 0.4], C)]
    assert select(rows, limit=3) == ([1, 2, 2], [0.5, 0.4, 0.3], [C, C, A])
    assert select(rows, limit=0) == ([], [], [])


def test_each_class_has_its_own_box():
    """The row of the class, not of the background or another."""
    boxes = np.array([[A, B, C]])
    found = select_detections(np.array([[0.1, 0.3, 0.6]]), boxes, (32, 40))
    assert found["boxes"].tolist() == [C, B]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_proposals(dtype):
    """Empty arrays of the right shapes and dtypes."""
    found = select_detections(np.zeros((0, 3), dtype), np.zeros((0, 3, 4), dtype), (8, 8))
    assert {k: (v.shape, v.dtype) for k, v in found.items()} == {
        "boxes": ((0, 4), dtype),
        "labels": ((0,), np.int64),
        "scores": ((0,), dtype),
    }
    masks = masks_of_classes(np.zeros((0, 3, 28, 28), dtype), found["labels"])
    assert masks.shape == (0, 1, 28, 28)
    assert masks.dtype == dtype


def test_mask_of_the_predicted_class():
    """As a probability."""
    logits = np.random.default_rng(0).standard_normal((2, 3, 4, 4))
    masks = masks_of_classes(logits, np.array([2, 1]))
    expected = 1 / (1 + np.exp(-np.stack([logits[0, 2], logits[1, 1]])))[:, None]
    assert np.allclose(masks, expected, rtol=0, atol=1e-15)
