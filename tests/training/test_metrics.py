"""Metrics against plain loops over pixels and sets of pixels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minis.data import Sample
from minis.nn.module import Module
from minis.training import (
    class_dice,
    class_iou,
    confusion_matrix,
    evaluate,
    frequency_weighted_iou,
    mean_accuracy,
    mean_dice,
    mean_iou,
    pixel_accuracy,
    segmentation_scores,
)

K = 4


@st.composite
def label_maps(draw):
    shape = draw(hnp.array_shapes(max_dims=3, max_side=4, min_side=0))
    labels = hnp.arrays(draw(st.sampled_from([np.int64, np.uint8, np.int32])), shape,
                        elements=st.integers(0, K - 1))  # fmt: skip
    prediction, target = draw(labels), draw(labels)
    if draw(st.booleans()):
        target = np.where(draw(hnp.arrays(bool, shape)), 255, target).astype(np.int64)
    return prediction, target


def close(value, expected):
    return math.isnan(expected) if math.isnan(value) else value == pytest.approx(expected)


def mean_of(values):
    known = [v for v in values if not math.isnan(v)]
    return sum(known) / len(known) if known else math.nan


@settings(deadline=None)
@given(label_maps())
def test_equal_plain_loops(maps):
    prediction, target = maps
    matrix = confusion_matrix(prediction, target, K, ignore_index=255)
    pairs = [
        (int(p), int(t)) for p, t in zip(prediction.flat, target.flat, strict=True) if t != 255
    ]
    iou, dice, recall, weighted = [], [], [], 0.0
    for k in range(K):
        predicted = {i for i, (p, _) in enumerate(pairs) if p == k}
        true = {i for i, (_, t) in enumerate(pairs) if t == k}
        both, either = len(predicted & true), len(predicted | true)
        iou.append(both / either if either else math.nan)
        dice.append(2 * both / (len(predicted) + len(true)) if either else math.nan)
        recall.append(both / len(true) if true else math.nan)
        if true:
            weighted += len(true) / len(pairs) * iou[-1]
        for j in range(K):
            assert matrix[k, j] == sum(t == k and p == j for p, t in pairs)
    right = sum(p == t for p, t in pairs) / len(pairs) if pairs else math.nan
    assert matrix.dtype == np.int64
    assert all(map(close, class_iou(matrix), iou))
    assert all(map(close, class_dice(matrix), dice))
    assert close(mean_iou(matrix), mean_of(iou))
    assert close(mean_dice(matrix), mean_of(dice))
    assert close(mean_accuracy(matrix), mean_of(recall))
    assert close(pixel_accuracy(matrix), right)
    assert close(frequency_weighted_iou(matrix), weighted if pairs else math.nan)


def test_a_class_that_occurs_nowhere_is_left_out_and_one_that_is_invented_counts_0():
    matrix = confusion_matrix(np.array([0, 0, 2]), np.array([0, 0, 0]), 4)
    np.testing.assert_array_equal(class_iou(matrix), [2 / 3, np.nan, 0, np.nan])
    assert mean_iou(matrix) == pytest.approx(1 / 3)
    assert mean_accuracy(matrix) == pytest.approx(2 / 3)  # class 2 has no true pixel to find


def test_matrices_of_images_add_up():
    rng = np.random.default_rng(0)
    p, t = rng.integers(0, K, (2, 3, 8))
    total = sum(confusion_matrix(p[i], t[i], K) for i in range(3))
    assert (total == confusion_matrix(p, t, K)).all()


def test_scores_hold_each_number_and_the_mean_iou_first():
    scores = segmentation_scores(np.array([[3, 1], [0, 4]]))
    assert next(iter(scores)) == "mean_iou"
    assert scores["mean_dice"] == mean_dice(np.array([[3, 1], [0, 4]]))
    assert all(isinstance(value, float) for value in scores.values())


@pytest.mark.parametrize(
    ("prediction", "target", "error", "text"),
    [
        ([0, 4], [0, 1], ValueError, "prediction holds class 4, expected 0 to 3"),
        ([0, -1], [0, 1], ValueError, "prediction holds class -1"),
        ([0, 0], [0, 7], ValueError, "target holds class 7"),
        ([0, 0], [[0], [1]], ValueError, r"prediction has shape \(2,\) but target has \(2, 1\)"),
        ([0.0, 1.0], [0, 1], TypeError, "prediction has dtype float64, expected integers"),
    ],
)
def test_says_what_is_wrong(prediction, target, error, text):
    with pytest.raises(error, match="confusion_matrix: " + text):
        confusion_matrix(np.array(prediction), np.array(target), K, ignore_index=255)


def test_what_is_predicted_on_ignored_pixels_does_not_matter():
    matrix = confusion_matrix(np.array([0, 99]), np.array([0, 255]), 2, ignore_index=255)
    assert matrix.tolist() == [[1, 0], [0, 0]]


class OneHot(Module):
    """Logits that say what the image's only channel holds; counts its calls in training."""

    calls_in_training = 0

    def forward(self, x):
        self.calls_in_training += self.training
        return np.concatenate([(x == k).astype(np.float32) for k in range(3)], axis=1)


def test_evaluate_sums_images_of_different_sizes_before_it_divides():
    first = Sample(np.array([[[0, 1, 2]]], np.float32), np.array([[0, 1, 255]]))
    second = Sample(np.array([[[1], [1]]], np.float32), np.array([[0], [1]]))
    model = OneHot()
    scores = evaluate(model, [first, second], num_classes=3)
    assert scores["mean_iou"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert scores["pixel_accuracy"] == 3 / 4
    assert model.training
    assert model.calls_in_training == 0


def test_evaluate_leaves_the_mode_also_when_it_fails():
    bad = Sample(np.zeros((1, 1, 1), np.float32), np.array([[9]]))
    model = OneHot().train()
    with pytest.raises(ValueError, match="target holds class 9"):
        evaluate(model, [bad], num_classes=3)
    assert model.training
    with pytest.raises(ValueError, match="evaluate: the data set is empty"):
        evaluate(model, [], num_classes=3)
