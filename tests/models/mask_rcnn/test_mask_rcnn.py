"""The whole of Mask R-CNN: its count and names, its gradient, and that it learns a scene."""

import numpy as np
import pytest

from minis import ops
from minis.models.mask_rcnn.mask_rcnn import MaskRCNN
from minis.training import Adam

from .scenes import scene

LOSSES = ["loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask"]


def test_published_count_and_names():
    """torchvision's `maskrcnn_resnet50_fpn`: 44,401,393 parameters, and what they are called."""
    model = MaskRCNN.paper()
    assert sum(p.data.size for p in model.parameters()) == 44_401_393
    counts = {
        "backbone.body": 23_454_912,
        "backbone.fpn": 3_344_384,
        "rpn": 593_935,
        "roi_heads": 13_895_680 + 466_375 + 2_360_320 + 285_787,
    }
    for prefix, count in counts.items():
        found = (p.data.size for n, p in model.named_parameters() if n.startswith(prefix + "."))
        assert sum(found) == count, prefix
    state = model.state_dict()
    for name, shape in {
        "backbone.body.conv1.weight": (64, 3, 7, 7),
        "backbone.body.bn1.running_mean": (64,),
        "backbone.body.layer1.0.downsample.0.weight": (256, 64, 1, 1),
        "backbone.fpn.inner_blocks.0.0.weight": (256, 256, 1, 1),
        "backbone.fpn.layer_blocks.3.0.bias": (256,),
        "rpn.head.conv.0.0.weight": (256, 256, 3, 3),
        "rpn.head.cls_logits.weight": (3, 256, 1, 1),
        "rpn.head.bbox_pred.weight": (12, 256, 1, 1),
        "roi_heads.box_head.fc6.weight": (1024, 12544),
        "roi_heads.box_predictor.bbox_pred.weight": (364, 1024),
        "roi_heads.mask_head.3.0.weight": (256, 256, 3, 3),
        "roi_heads.mask_predictor.conv5_mask.weight": (256, 256, 2, 2),
        "roi_heads.mask_predictor.mask_fcn_logits.bias": (91,),
    }.items():
        assert state[name].shape == shape
    buffers = state.keys() - dict(model.named_parameters()).keys()
    assert sum(state[name].size for name in buffers) == 106_240  # of frozen batch norm
    assert sum(p.data.size for _, p in model.trainable()) == 44_401_393 - 222_400
    frozen = dict(model.named_parameters()).keys() - dict(model.trainable()).keys()
    assert {name.split(".")[2] for name in frozen} == {"conv1", "layer1"}


def test_gradient_by_finite_differences():
    """Along a random direction in all parameters, with the proposals and the samples held fast."""
    rng = np.random.default_rng(1)
    model = MaskRCNN.mini(num_classes=3).astype(np.float64)
    model.transform.min_size, model.transform.max_size = 96, 128
    for _, p in model.named_parameters():
        if p.data.ndim == 1:  # biases away from zero, and with them ReLUs from their kink
            p.data += 0.1 * rng.standard_normal(p.data.shape)
    scenes = [scene(rng), scene(rng, (80, 96), 2)]
    images, targets = [image.astype(np.float64) for image, _ in scenes], [t for _, t in scenes]

    def draw(labels, count, fraction):
        return ops.sample_balanced(labels, count, fraction, np.random.default_rng(0))

    model.rpn.sampler = model.roi_heads.sampler = draw
    forward = model.rpn.forward
    proposals, _ = forward(*_features(model, images), targets=model.transform(images, targets)[2])
    model.zero_grad()
    model.rpn.forward = lambda *inputs: (proposals, forward(*inputs)[1])

    def loss():
        return sum(float(value) for value in model(images, targets).values())

    assert list(model(images, targets)) == LOSSES
    batch_gradient = model.backward()
    assert batch_gradient.shape == (2, 3, 96, 128)
    direction = {n: rng.standard_normal(p.data.shape) for n, p in model.named_parameters()}
    slope = sum(float((p.grad * direction[n]).sum()) for n, p in model.named_parameters())
    assert all(p.grad.any() for _, p in model.named_parameters())
    step, values = 1e-9, []  # so short that next to no ReLU changes sides
    for sign in (1, -2):
        for n, p in model.named_parameters():
            p.data += sign * step * direction[n]
        values.append(loss())
    assert abs((values[0] - values[1]) / (2 * step) - slope) <= 1e-6 * abs(slope)


def _features(model, images):
    batch, sizes, _ = model.transform(images)
    return model.backbone(batch), sizes, batch.shape[2:]


def test_learns_a_scene():
    """A few dozen steps on two images: every loss falls, and the objects are found in them."""
    rng = np.random.default_rng(3)
    images, targets = zip(*(scene(rng, size) for size in [(96, 120), (100, 90)]), strict=True)
    model = MaskRCNN.mini(num_classes=3)
    optimiser = Adam(model.trainable(), lr=1e-3)
    history = []
    for _ in range(60):
        losses = model(images, targets)
        assert list(losses) == LOSSES
        history.append([float(loss) for loss in losses.values()])
        model.backward()
        optimiser.step()
        model.zero_grad()
    first, last = np.mean(history[:5], axis=0), np.mean(history[-5:], axis=0)
    assert (last < first).all(), (first, last)
    assert last.sum() < 0.5 * first.sum(), (first, last)
    model.eval()
    for image, target, found in zip(images, targets, model(images), strict=True):
        assert found["masks"].shape == (len(found["labels"]), 1, *image.shape[1:])
        assert found["masks"].dtype == found["boxes"].dtype == np.float32
        overlap = ops.box_iou(target["boxes"], found["boxes"])
        for row, label in enumerate(target["labels"]):
            best = int(overlap[row].argmax())
            assert overlap[row, best] > 0.5
            assert found["labels"][best] == label
            mask, true = found["masks"][best, 0] > 0.5, target["masks"][row] > 0
            assert (mask & true).sum() / (mask | true).sum() > 0.5


@pytest.mark.parametrize("size", [(1, 1), (7, 50), (64, 64), (200, 31)])
def test_any_size_with_and_without_objects(size):
    """Tiny, narrow and large images together; none has an object, or one has."""
    model = MaskRCNN.mini(num_classes=2)
    images = [np.full((3, *s), 0.5, np.float32) for s in (size, (40, 50))]
    none = {
        "boxes": np.zeros((0, 4), np.float32),
        "labels": np.zeros(0, np.int64),
        "masks": np.zeros((0, *size), np.uint8),
    }
    some = {
        "boxes": np.array([[5, 6, 30, 40]], np.float32),
        "labels": np.ones(1, np.int64),
        "masks": np.ones((1, 40, 50), np.uint8),
    }
    empty = {**none, "masks": np.zeros((0, 40, 50), np.uint8)}
    for targets in ([none, some], [none, empty]):
        losses = model(images, targets)
        assert all(np.isfinite(float(loss)) for loss in losses.values())
        assert (float(losses["loss_mask"]) > 0) == (targets[1] is some)
        assert np.isfinite(model.backward()).all()
    model.eval()
    for image, found in zip(images, model(images), strict=True):
        assert found["masks"].shape == (len(found["scores"]), 1, *image.shape[1:])


def test_the_same_seed_draws_the_same():
    """Weights and samples."""
    image, target = scene(np.random.default_rng(0))
    totals = [
        sum(
            map(
                float, MaskRCNN.mini(3, 3, rng=np.random.default_rng(s))([image], [target]).values()
            )
        )
        for s in (1, 1, 2)
    ]
    assert totals[0] == totals[1] != totals[2]


def test_wrong_use():
    """Training without targets; colours without a mean."""
    with pytest.raises(ValueError, match="MaskRCNN: training needs targets"):
        MaskRCNN.mini()([np.zeros((3, 32, 32), np.float32)])
    with pytest.raises(ValueError, match="one number for each of 1 channels"):
        MaskRCNN(in_channels=1)
    with pytest.raises(RuntimeError, match="nothing is remembered"):
        MaskRCNN.mini().backward()
