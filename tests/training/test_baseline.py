"""The baseline is the best rule that looks at one pixel's colour, and counts what it should."""

import numpy as np
import pytest

from minis.data import IGNORE, Sample
from minis.training import colour_baseline
from minis.training.baseline import VIEWS


def sample(values, labels):
    image = np.array(values, np.float32)
    return Sample(image, np.array(labels, np.int64))


def pixels(values, labels):
    """Images of a single pixel, which smoothing leaves as they are."""
    return [sample([[[value]]], [[label]]) for value, label in zip(values, labels, strict=True)]


def test_most_frequent_class_of_each_colour():
    """By hand: dark is 0 twice out of three, bright is 1; a grey never seen is as its neighbour."""
    train = pixels([0.1, 0.1, 0.1, 0.9], [0, 0, 1, 1])
    test = pixels([0.1, 0.9, 0.6, 0.9, 0.3], [1, 1, 1, 0, 0])
    scores = colour_baseline(train, test, num_classes=2)
    # predicted 0, 1, 1, 1, 0: of class 0 one hit and two errors, of class 1 two hits and two errors
    assert scores["pixel_accuracy"] == pytest.approx(3 / 5)
    assert scores["mean_iou"] == pytest.approx((1 / 3 + 2 / 4) / 2)


def test_void_is_neither_learned_nor_scored():
    """Void pixels change nothing on either side."""
    train = pixels([0.1, 0.9, 0.1, 0.1], [0, 1, IGNORE, IGNORE])
    test = pixels([0.1, 0.9, 0.9], [0, 1, IGNORE])
    assert colour_baseline(train, test, num_classes=2)["mean_iou"] == 1.0


def test_colours_are_told_apart_by_all_channels():
    """Red and green of one brightness."""
    image = np.zeros((3, 1, 2), np.float32)
    image[0, 0, 0] = image[1, 0, 1] = 0.8
    both = sample(image, [[1, 2]])
    assert colour_baseline([both], [both], num_classes=3)["pixel_accuracy"] == 1.0
    # darker, and of colours never seen: the nearest decide
    other = sample(image * 0.7, [[1, 2]])
    assert colour_baseline([both], [other], num_classes=3)["pixel_accuracy"] == 1.0


def test_no_threshold_makes_fewer_mistakes_on_the_training_images():
    """Against every threshold on a bin's edge."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 500)
    values = np.clip(0.3 * labels + 0.5 * rng.random(500), 0, 1)
    train = [sample([[values]], [labels])]
    scores = colour_baseline(train, train, num_classes=2)
    best = max(float(((values >= t / 64) == labels).mean()) for t in range(65))
    assert scores["pixel_accuracy"] >= best > 0.6


def test_noise_is_smoothed_away():
    """Two halves under noise: a width above 0 is chosen, by the training images, and helps."""
    rng = np.random.default_rng(0)
    labels = np.repeat([[0, 1]], 20, axis=1) * np.ones((40, 1), np.int64)
    noisy = [
        Sample((0.4 + 0.2 * labels + 0.15 * rng.standard_normal(labels.shape))
               .clip(0, 1).astype(np.float32)[None], labels)
        for _ in range(3)
    ]  # fmt: skip
    scores = colour_baseline(noisy[:2], noisy[2:], num_classes=2, views=VIEWS)
    assert scores["smoothing"] >= 1
    plain = colour_baseline(noisy[:2], noisy[2:], num_classes=2)
    assert plain["pixel_accuracy"] < 0.8
    assert scores["pixel_accuracy"] > 0.9


def test_exposure_is_stretched_away():
    """Each image has a brightness of its own; stretched, they are alike."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (30, 30))
    images = [(gain * (0.3 + 0.3 * labels))[None].astype(np.float32) for gain in (1.0, 0.5, 1.5)]
    samples = [Sample(image, labels) for image in images]
    scores = colour_baseline(samples[:2], samples[2:], num_classes=2, views=VIEWS)
    assert scores["stretched"]
    assert scores["pixel_accuracy"] == 1.0
    assert colour_baseline(samples[:2], samples[2:], num_classes=2)["pixel_accuracy"] < 0.9


def test_empty_data_and_too_many_channels():
    """Errors, in words."""
    one = sample([[[0.1]]], [[0]])
    with pytest.raises(ValueError, match="a data set is empty"):
        colour_baseline([], [one], num_classes=1)
    many = sample(np.zeros((9, 1, 1)), [[0]])
    with pytest.raises(ValueError, match="images of 9 channels"):
        colour_baseline([many], [many], num_classes=1)
