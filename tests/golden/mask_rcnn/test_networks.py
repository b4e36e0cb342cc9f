"""Mask R-CNN, step by step and as one, against torchvision's network; in float32 too."""

import numpy as np
import pytest

import minis

from .configurations import CONFIGURATIONS, inputs
from .files import Golden, names_and_shapes
from .parts import check_all, check_detections, gradients, mask_rcnn

LOSSES = 1e-8
IN_FLOAT32 = {"boxes": 1e-3, "scores": 1e-5, "masks": 1e-4}  # pixels, probabilities
TRAINED = [name for name in CONFIGURATIONS if name != "paper"]


@pytest.fixture(autouse=True)
def on_backend(backend):
    """Every test runs on each backend."""
    with minis.use(backend):
        yield


@pytest.mark.parametrize("name", TRAINED)
def test_training_step_by_step(name):
    """Every part's outputs and gradients, given torchvision's samples."""
    golden, model = Golden(name), mask_rcnn(name)
    images, targets = inputs(CONFIGURATIONS[name])
    batch, sizes, resized = model.transform(images, targets)
    golden.check("batch", batch)
    assert [tuple(golden[f"sizes/{i}"]) for i in range(len(images))] == sizes
    for key in ("boxes", "masks"):
        check_all(golden, f"resized/{key}", [t[key] for t in resized])
    pyramid = model.backbone(batch)
    check_all(golden, "train/pyramid", pyramid)
    padded = batch.shape[2:]
    proposals, _ = model.rpn(pyramid, sizes, padded, resized)
    check_all(golden, "train/rpn/proposals", proposals)
    model.roi_heads(pyramid, proposals, sizes, resized, padded=padded)
    path = "train/gradient of the pyramid from the"
    check_all(golden, f"{path} rpn", model.rpn.backward())
    check_all(golden, f"{path} roi heads", model.roi_heads.backward())


@pytest.mark.parametrize("name", TRAINED)
def test_training(name):
    """The five losses, and the gradient of the batch and of every parameter."""
    golden, model = Golden(name), mask_rcnn(name)
    losses = model(*inputs(CONFIGURATIONS[name]))
    assert {f"train/losses/{loss}" for loss in losses} == set(golden.keys_under("train/losses"))
    for loss, value in losses.items():
        expected = float(golden[f"train/losses/{loss}"])
        assert abs(float(value) - expected) <= LOSSES * abs(expected), loss
    golden.check("train/gradient of the batch", model.backward())
    golden.check_gradients("train/gradients", gradients(model))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_evaluation_step_by_step(name, backend):
    """Pyramid, proposals, and detections before they are pasted."""
    if name == "paper" and backend == "numpy":
        pytest.skip("ten seconds for steps that test_evaluation takes too")
    golden, model = Golden(name), mask_rcnn(name).eval()
    images, _ = inputs(CONFIGURATIONS[name])
    batch, sizes, _ = model.transform(images)
    pyramid = model.backbone(batch)
    check_all(golden, "train/pyramid", pyramid)
    padded = batch.shape[2:]
    proposals, _ = model.rpn(pyramid, sizes, padded)
    check_all(golden, "test/rpn/proposals", proposals)
    detections, _ = model.roi_heads(pyramid, proposals, sizes, padded=padded)
    check_detections(golden, "test/detections", detections)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_evaluation(name):
    """Boxes, labels, scores and masks in the images; and how far float32 is from them."""
    golden, model = Golden(name), mask_rcnn(name).eval()
    if name == "paper":
        assert {k: v.shape for k, v in model.state_dict().items()} == names_and_shapes()
    images, _ = inputs(CONFIGURATIONS[name])
    results = model(images)
    check_detections(golden, "test/results", results)
    check_areas(golden, results)
    in_float32 = model.astype(np.float32)([image.astype(np.float32) for image in images])
    check_areas(golden, in_float32)
    for found, exact in zip(in_float32, results, strict=True):
        assert np.array_equal(found["labels"], exact["labels"])
        for key, bound in IN_FLOAT32.items():
            assert found[key].dtype == np.float32
            assert found[key].shape == exact[key].shape
            assert np.abs(found[key] - exact[key]).max(initial=0) <= bound, key


def check_areas(golden, results):
    """Compare the numbers of pixels above a half."""
    for i, result in enumerate(results):
        areas = (result["masks"] > 0.5).sum(axis=(1, 2, 3))
        golden.check(f"test/results/{i}/mask areas", areas, 0)
