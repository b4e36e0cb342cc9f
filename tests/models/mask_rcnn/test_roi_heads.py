"""The RoI heads are PyTorch's: losses, every gradient, detections; and what if there is nothing."""

import numpy as np
import pytest
import torch

import minis
from minis import ops
from minis.models.mask_rcnn.roi_heads import RoIHeads

from ...reference.roi_heads import TorchRoIHeads
from ..scaled_error import scaled_error

PADDED = (512, 544)
SIZES = [(512, 530), (490, 544)]
SMALL = {"fc_width": 12, "mask_width": 4}


def draw(labels, count=24, fraction=0.25):
    """The same samples for the same labels."""
    labels = np.asarray(labels, np.int64)
    return ops.sample_balanced(labels, count, fraction, np.random.default_rng(5))


def scene(objects, rng):
    """Features P2 … P6, and for each image proposals, half of them near objects, and targets."""
    features = [
        rng.standard_normal((len(objects), 3, PADDED[0] // s, PADDED[1] // s))
        for s in (4, 8, 16, 32, 64)
    ]
    proposals, targets = [], []
    for (height, width), count in zip(SIZES, objects, strict=False):
        boxes = random_boxes(rng, count, height, width)
        near = boxes.repeat(4, 0)
        near += rng.uniform(-0.12, 0.12, near.shape) * np.tile(near[:, 2:] - near[:, :2], 2)
        near = ops.clip_boxes(near, (height, width))
        proposals.append(np.concatenate([near, random_boxes(rng, 14, height, width)]))
        masks = rng.random((count, height, width)) < 0.5
        labels = rng.integers(1, 5, count)
        targets.append({"boxes": boxes, "labels": labels, "masks": masks.astype(np.uint8)})
    return features, proposals, targets


def random_boxes(rng, count, height, width):
    """Of all sizes, so that every level is read."""
    size = np.geomspace(486, 12, count)[:, None] * rng.uniform(0.95, 1, (count, 2))
    corner = rng.random((count, 2)) * (np.array([width, height]) - size)
    return np.concatenate([corner, corner + size], axis=1)


def pair(**options):
    """Our heads and the oracle, with the oracle's weights, in float64."""
    torch.manual_seed(0)
    oracle = TorchRoIHeads(3, 5, 12, 4, draw).double()
    heads = RoIHeads(3, 5, **SMALL, samples=24, sampler=draw, **options).astype(np.float64)
    return heads.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()}), oracle


def as_torch(proposals, targets):
    """The same for the oracle."""
    return [torch.from_numpy(p) for p in proposals], [
        {k: torch.from_numpy(v) for k, v in target.items()} for target in targets
    ]


@pytest.mark.parametrize("objects", [(3, 2), (4, 0), (0, 0), (2,)])
def test_training_is_pytorchs(objects, backend):
    """Three losses, every parameter's gradient and every level's, in float64."""
    features, proposals, targets = scene(objects, np.random.default_rng(1))
    heads, oracle = pair()
    inputs = [torch.from_numpy(x).requires_grad_(True) for x in features]
    expected = oracle.losses(inputs, *as_torch(proposals, targets))
    sum(expected.values()).backward()
    with minis.use(backend):
        found, losses = heads(features, proposals, SIZES[: len(objects)], targets, PADDED)
        dfeatures = heads.backward()
    assert found == []
    assert list(losses) == list(expected)
    for name, loss in losses.items():
        assert abs(float(loss) - expected[name].item()) <= 1e-12, name
        assert (float(loss) > 0) == (name == "loss_classifier" or sum(objects) > 0), name
    assert len(dfeatures) == 5
    for x, dx, tx in zip(features, dfeatures, inputs, strict=True):
        assert dx.shape == x.shape
        assert scaled_error(dx, np.zeros_like(x) if tx.grad is None else tx.grad.numpy()) <= 1e-10
    assert not dfeatures[4].any()
    assert all(dx.any() for dx in dfeatures[:4])
    grads = {
        name: np.zeros(p.shape) if p.grad is None else p.grad.numpy()
        for name, p in oracle.named_parameters()
    }
    for name, parameter in heads.named_parameters():
        expected_grad = grads.pop(name)
        # relative to its own size: some gradients are small throughout
        size = max(1e-3, np.abs(expected_grad).max())
        assert np.abs(parameter.grad - expected_grad).max() / size <= 1e-8, name
        if "mask" in name or "bbox" in name:
            assert parameter.grad.any() == (sum(objects) > 0), name
    assert not grads


@pytest.mark.parametrize("limit", [100, 6])
def test_detections_are_pytorchs(limit, backend):
    """Boxes, classes, scores and masks; with large weights, so that there is much to find."""
    features, proposals, _ = scene((3, 2), np.random.default_rng(2))
    heads, oracle = pair(score_threshold=0.2, nms_threshold=0.3, detections_per_image=limit)
    with torch.no_grad():
        for layer in (oracle.box_predictor["cls_score"], oracle.box_predictor["bbox_pred"]):
            layer.weight *= 25
    heads.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()}).eval()
    with torch.no_grad():
        expected = oracle.detect(
            [torch.from_numpy(x) for x in features],
            as_torch(proposals, [])[0],
            SIZES,
            0.2,
            0.3,
            limit,
        )
    with minis.use(backend):
        found, losses = heads(features, proposals, SIZES, padded=PADDED)
    assert losses == {}
    classes = set()
    for ours, theirs in zip(found, expected, strict=True):
        assert 5 <= len(ours["labels"]) <= limit
        assert ours["labels"].tolist() == theirs["labels"]
        classes |= set(theirs["labels"])
        assert scaled_error(ours["scores"], np.array(theirs["scores"])) <= 1e-12
        assert scaled_error(ours["boxes"], np.array(theirs["boxes"])) <= 1e-12
        masks = torch.stack(theirs["masks"]).numpy()
        assert ours["masks"].shape == masks.shape == (len(ours["labels"]), 1, 28, 28)
        assert scaled_error(ours["masks"], masks) <= 1e-12
    assert len(classes) > 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_to_look_at(dtype, backend):
    """No proposals: empty arrays of the right shapes in evaluation, zero losses in training."""
    features = [np.ones((2, 3, 64 // 2**i, 64 // 2**i), dtype) for i in range(5)]
    none = np.zeros((0, 4), dtype)
    empty = {
        "boxes": none,
        "labels": np.zeros(0, np.int64),
        "masks": np.zeros((0, 256, 256), np.uint8),
    }
    heads = RoIHeads(3, 5, **SMALL).astype(dtype)
    with minis.use(backend):
        _, losses = heads(features, [none] * 2, [(256, 256)] * 2, [empty] * 2)
        gradients = heads.backward()
        assert [float(loss) for loss in losses.values()] == [0.0, 0.0, 0.0]
        assert all(loss.dtype == dtype for loss in losses.values())
        assert not any(dx.any() for dx in gradients)
        assert not any(parameter.grad.any() for parameter in heads.parameters())
        some = np.array([[10.0, 10, 90, 60]], dtype)
        found, _ = heads.eval()(features, [none, some], [(256, 256)] * 2)
    assert len(found[1]["labels"]) == 4  # each class, about as likely
    for name, shape in [("boxes", (0, 4)), ("scores", (0,)), ("masks", (0, 1, 28, 28))]:
        assert found[0][name].shape == shape
        assert found[0][name].dtype == found[1][name].dtype == dtype
    assert found[0]["labels"].shape == (0,)
    assert found[0]["labels"].dtype == np.int64


def test_published_counts():
    """Learned numbers of each part, with 256 channels and 91 classes."""
    heads = RoIHeads(256, 91)
    counts = {
        name: sum(p.data.size for p in getattr(heads, name).parameters())
        for name in ("box_head", "box_predictor", "mask_head", "mask_predictor")
    }
    assert counts == {
        "box_head": 13_895_680,
        "box_predictor": 466_375,
        "mask_head": 2_360_320,
        "mask_predictor": 285_787,
    }
    assert sum(p.data.size for p in heads.parameters()) == sum(counts.values())
    assert not heads.state_dict().keys() - dict(heads.named_parameters()).keys()


def test_samples_are_512_with_a_quarter_of_objects():
    """As many as there are objects if fewer; and the same generator draws the same."""
    rng = np.random.default_rng(0)
    truth = np.array([[100.0, 100, 300, 300]])
    near = truth + rng.uniform(-5, 5, (200, 4))
    proposals = np.concatenate([near, random_boxes(rng, 900, 512, 544)])
    target = {"boxes": truth, "labels": np.array([3]), "masks": np.ones((1, 512, 544), bool)}
    features = [rng.standard_normal((1, 3, 512 // s, 544 // s)) for s in (4, 8, 16, 32)]
    drawn, losses = [], []
    for seed in (1, 1, 2):
        heads = RoIHeads(3, 5, **SMALL, sampler=np.random.default_rng(seed)).astype(np.float64)
        pools = {"box": heads.box_pool, "mask": heads.mask_pool}
        for name, pool in pools.items():
            forward = pool.forward

            def spy(levels, boxes, size, forward=forward, name=name):
                drawn.append((name, [len(b) for b in boxes]))
                return forward(levels, boxes, size)

            pool.forward = spy
        losses.append(float(heads(features, [proposals], [PADDED], [target])[1]["loss_mask"]))
    assert drawn == [("box", [512]), ("mask", [128])] * 3
    assert losses[0] == losses[1] != losses[2]


def test_backward_is_linear_in_dloss():
    """And twice forward, twice backward: the last call first."""
    heads, _ = pair()
    scenes = [scene((2, 1), np.random.default_rng(seed)) for seed in (1, 2)]
    alone = []
    for features, proposals, targets in scenes:
        heads(features, proposals, SIZES, targets, PADDED)
        alone.append(heads.backward())
    for features, proposals, targets in scenes:
        heads(features, proposals, SIZES, targets, PADDED)
    for expected in reversed(alone):
        for dx, one in zip(heads.backward(-0.5), expected, strict=True):
            assert scaled_error(dx, -0.5 * one) <= 1e-14
    with pytest.raises(RuntimeError, match="nothing is remembered"):
        heads.backward()


def test_wrong_input():
    """What came and what was expected."""
    features, proposals, targets = scene((2, 1), np.random.default_rng(1))
    heads, _ = pair()
    for given, text in [
        ((proposals, SIZES, None), "RoIHeads: targets are needed in training"),
        ((proposals, SIZES, targets[:1]), "targets must have one entry for each of the 2 images"),
        ((proposals[:1], SIZES, targets), "proposals must have one entry for each of the 2 images"),
        ((proposals, SIZES[:1], targets), "sizes must have one entry .* got 1"),
    ]:
        with pytest.raises(ValueError, match=text):
            heads(features, *given, PADDED)
    with pytest.raises(
        ValueError, match=r"num_classes \(the background counted\) must be at least 2"
    ):
        RoIHeads(3, 1)
    with pytest.raises(ValueError, match="mask_layers must be at least 1, got 0"):
        RoIHeads(3, 2, mask_layers=0)
