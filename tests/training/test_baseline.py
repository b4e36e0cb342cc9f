"""The baseline is the best rule that looks at one pixel's colour, and counts what it should."""

import numpy as np
import pytest

from minis.data import IGNORE, Sample, Samples
from minis.training import colour_baseline


def sample(values, labels):
    image = np.array(values, np.float32)
    return Sample(image, np.array(labels, np.int64))


def test_most_frequent_class_of_each_colour():
    """By hand: dark is 0 twice out of three, bright is 1; a grey never seen is as its neighbour."""
    train = sample([[[0.1, 0.1, 0.1, 0.9]]], [[0, 0, 1, 1]])
    test = sample([[[0.1, 0.9, 0.6, 0.9, 0.3]]], [[1, 1, 1, 0, 0]])
    scores = colour_baseline([train], [test], num_classes=2)
    # predicted 0, 1, 1, 1, 0: of class 0 one hit and two errors, of class 1 two hits and two errors
    assert scores["pixel_accuracy"] == pytest.approx(3 / 5)
    assert scores["mean_iou"] == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_void_is_neither_learned_nor_scored():
    """Void pixels change nothing on either side."""
    train = sample([[[0.1, 0.9, 0.1, 0.1]]], [[0, 1, IGNORE, IGNORE]])
    test = sample([[[0.1, 0.9, 0.9]]], [[0, 1, IGNORE]])
    assert colour_baseline([train], [test], num_classes=2)["mean_iou"] == 1.0


def test_colours_are_told_apart_by_all_channels():
    """Red and green of one brightness."""
    image = np.zeros((3, 1, 2), np.float32)
    image[0, 0, 0] = image[1, 0, 1] = 0.8
    both = sample(image, [[1, 2]])
    assert colour_baseline([both], [both], num_classes=3)["pixel_accuracy"] == 1.0
    # darker, and of colours never seen: the nearest decide
    other = sample(image * 0.7, [[1, 2]])
    assert colour_baseline([both], [other], num_classes=3)["pixel_accuracy"] == 1.0


def test_no_rule_of_one_threshold_is_better_on_the_training_images():
    """Against every threshold on a bin's edge."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (40, 50))
    image = np.clip(0.3 * labels + 0.5 * rng.random((40, 50)), 0, 1).astype(np.float32)
    one = Sample(image[None], labels)
    scores = colour_baseline(Samples([one], ("a", "b")), [one], num_classes=2)
    best = max(float(((image >= t / 64) == labels).mean()) for t in range(65))
    assert scores["pixel_accuracy"] >= best > 0.6


def test_empty_data_and_too_many_channels():
    """Errors, in words."""
    one = sample([[[0.1]]], [[0]])
    with pytest.raises(ValueError, match="a data set is empty"):
        colour_baseline([], [one], num_classes=1)
    many = sample(np.zeros((7, 1, 1)), [[0]])
    with pytest.raises(ValueError, match="images of 7 channels"):
        colour_baseline([many], [many], num_classes=1)
