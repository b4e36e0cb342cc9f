"""The stages of Mask R-CNN: they are those of the very run, and lead from one to the next."""

import numpy as np
import pytest

from minis import ops
from minis.learn import stages
from minis.models import MaskRCNN, UNet
from minis.models.mask_rcnn.multi_scale import level_scale
from minis.models.mask_rcnn.proposals import candidates
from minis.observer import observer

IMAGE = np.random.default_rng(1).random((1, 90, 130), dtype=np.float32)


def network(**options):
    """A small network whose classes differ in score, as they hardly do before training."""
    model = MaskRCNN(
        4, in_channels=1, depth=18, width=8, norm="group", channels=16, mean=(0.4,), std=(0.2,),
        anchor_sizes=(32, 96, 128, 192, 256), min_size=128, max_size=200, fc_width=32,
        mask_width=8, proposals_test=60, rng=np.random.default_rng(0), **options,
    )  # fmt: skip
    rng = np.random.default_rng(1)
    predictor = model.roi_heads.box_predictor
    for layer, scale in ((predictor.cls_score, 3.0), (predictor.bbox_pred, 1.0)):
        shape = layer.weight.data.shape
        layer.weight.data[...] = scale * rng.standard_normal(shape) / shape[1] ** 0.5
    head = model.rpn.head
    for layer in (head.cls_logits, head.bbox_pred):
        layer.weight.data[...] = 0.3 * rng.standard_normal(layer.weight.data.shape)
    return model.eval()


@pytest.fixture(scope="module")
def model():
    return network()


@pytest.fixture(scope="module")
def found(model):
    return stages(model, IMAGE)


@pytest.mark.usefixtures("backend")
def test_detections_are_those_of_the_network(model):
    """To the last bit, boxes, classes, scores and masks; and there are some."""
    seen = stages(model, IMAGE).detections
    (expected,) = model([IMAGE])
    assert seen.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(seen[name], array)
    assert len(seen["boxes"]) > 3
    assert len(np.unique(seen["labels"])) > 1


def test_what_goes_in(model, found):
    """Resized, padded with zeros, normalised; and back, for pictures."""
    batch, (size,), _ = model.transform([IMAGE])
    np.testing.assert_array_equal(found.seen, batch[0])
    np.testing.assert_array_equal(found.image, IMAGE)
    assert found.size == size == (128, 184)
    inside = (slice(None), slice(128), slice(184))
    resized = ops.interpolate(IMAGE[None], size, mode="linear")[0]
    np.testing.assert_allclose(found.resized[inside], resized, atol=1e-6)
    assert found.resized.shape == found.seen.shape == (1, 128, 192)
    assert not found.resized[..., 184:].any()


def test_the_first_stage(model, found):
    """Maps, anchors and logits lead to the candidates, and their suppression to the proposals."""
    features = model.backbone(found.seen[None])
    for seen, x in zip(found.features, features, strict=True):
        np.testing.assert_array_equal(seen, x[0])
    (proposals,), _ = model.rpn(features, [found.size], found.seen.shape[1:])
    np.testing.assert_array_equal(found.proposals.boxes, proposals)

    cells = [x.shape[1:] for x in found.features]
    assert [logits.shape for logits in found.objectness] == [(3, *size) for size in cells]
    assert [level.shape for level in found.anchors] == [(3 * h * w, 4) for h, w in cells]
    deltas = [model.rpn.head(x)[1] for x in features]
    boxes, scores, levels = candidates(
        [x.transpose(1, 2, 0).ravel() for x in found.objectness],
        [d[0].reshape(3, 4, -1).transpose(2, 0, 1).reshape(-1, 4) for d in deltas],
        [level.astype(np.float32) for level in found.anchors],
        found.size,
        count=60,
    )
    before = found.candidates
    for seen, expected in ((before.boxes, boxes), (before.scores, scores), (before.groups, levels)):
        np.testing.assert_allclose(seen, expected, rtol=1e-5, atol=1e-4)
    kept = ops.batched_nms(before.boxes, before.scores, before.groups, found.thresholds[0])[:60]
    for name in ("boxes", "scores", "groups"):
        expected = getattr(before, name)[kept]
        np.testing.assert_array_equal(getattr(found.proposals, name), expected)
    assert len(before) > len(found.proposals) > 10


def test_each_proposal_is_read_from_its_level(model, found):
    """RoIAlign of that map at that box gives what the box head gets."""
    assert len(np.unique(found.levels)) > 1
    for box, level, region in zip(found.proposals.boxes, found.levels, found.regions, strict=True):
        x = found.features[level][None]
        roi = np.concatenate([[0], box])[None].astype(x.dtype)
        scale = level_scale(x.shape[2:], found.seen.shape[1:])
        options = {"spatial_scale": scale, "sampling_ratio": 2, "aligned": False}
        np.testing.assert_allclose(
            region, ops.roi_align(x, roi, 7, **options)[0], rtol=1e-5, atol=1e-6
        )


def test_the_second_stage(model, found):
    """Regions lead to classes, these to candidates, and their suppression to what is found."""
    heads = model.roi_heads
    logits, _ = heads.box_predictor(heads.box_head(found.regions))
    scores = ops.softmax(logits, axis=1)
    np.testing.assert_array_equal(found.class_scores, scores)
    before, after = found.class_candidates, found.found
    assert len(before) == (scores[:, 1:] > 0.05).sum() > len(after)
    assert set(before.groups) <= {1, 2, 3}
    kept = ops.batched_nms(before.boxes, before.scores, before.groups, found.thresholds[1])
    np.testing.assert_array_equal(after.boxes, before.boxes[kept[:100]])
    np.testing.assert_array_equal(after.scores, found.detections["scores"])
    np.testing.assert_array_equal(after.groups, found.detections["labels"])
    scale = np.array([130 / 184, 90 / 128] * 2)
    np.testing.assert_allclose(after.boxes * scale, found.detections["boxes"], atol=1e-3)


def test_masks(model, found):
    """Logits lead to probabilities, and these to the pixels of the image."""
    heads = model.roi_heads
    logits = heads.mask_predictor(heads.mask_head(found.mask_regions))
    np.testing.assert_array_equal(found.mask_logits, logits)
    own = logits[np.arange(len(logits)), found.found.groups]
    np.testing.assert_array_equal(found.mask_probabilities[:, 0], ops.sigmoid(own))
    pasted = ops.paste_masks(found.mask_probabilities, found.detections["boxes"], (90, 130))
    np.testing.assert_array_equal(found.detections["masks"], pasted)


def test_thresholds_and_limits_are_the_networks():
    """Not numbers of a reader's own."""
    model = network(nms_threshold=0.9, detections_per_image=2, score_threshold=0.2)
    model.rpn.nms_threshold = 0.4
    found = stages(model, IMAGE)
    assert found.thresholds == (0.4, 0.9)
    assert len(found.found) == len(found.detections["boxes"]) == 2
    assert found.class_candidates.scores.min() > 0.2


def test_nothing_is_found():
    """Every stage is there, the last ones empty."""
    found = stages(network(score_threshold=1.0), IMAGE)
    assert len(found.class_candidates) == len(found.found) == len(found.detections["boxes"]) == 0
    assert found.mask_logits.shape == (0, 4, 28, 28)
    assert found.mask_probabilities.shape == (0, 1, 28, 28)
    assert len(found.proposals) > 0


def test_the_network_is_left_as_it_was(model):
    """Its mode, and nobody goes on looking; also if the image doesn't fit."""
    weights = {name: array.copy() for name, array in model.state_dict().items()}
    for training in (True, False):
        model.train(training)
        stages(model, IMAGE)
        assert model.training == model.roi_heads.training == training
        with pytest.raises(ValueError, match="image 0 must have shape"):
            stages(model, IMAGE[[0, 0]])
        assert model.training == model.roi_heads.training == training
        assert observer.get() is None
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, weights[name])
    assert all(not part._remembered for _, part in model.modules())


def test_another_network_has_no_such_stages():
    """It is named."""
    with pytest.raises(TypeError, match="expected a MaskRCNN, got a UNet"):
        stages(UNet.mini(), IMAGE)
