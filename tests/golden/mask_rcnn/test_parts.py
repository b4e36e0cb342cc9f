"""ResNet, pyramid, RPN and RoI heads alone, on drawn features, against torchvision's values."""

import numpy as np
import pytest

import minis
from minis.models.mask_rcnn.fpn import FeaturePyramid
from minis.models.mask_rcnn.resnet import ResNet

from .configurations import (
    FPN_CHANNELS,
    FPN_OUT,
    FPN_SIZES,
    RESNET_INPUT,
    ROI_PART,
    RPN_PART,
    SMALL,
    draw,
)
from .files import Golden
from .parts import (
    check_all,
    check_detections,
    gradients,
    region_proposals,
    roi_heads,
    samples_from,
    with_weights,
)


@pytest.fixture(autouse=True)
def on_backend(backend):
    """Every test runs on each backend."""
    with minis.use(backend):
        yield


def upstream(outputs):
    """Return the upstream gradients of the files."""
    return [draw(10 + i, *y.shape) for i, y in enumerate(outputs)]


@pytest.mark.parametrize(("depth", "width"), [(18, 8), (50, 4)])
def test_resnet(depth, width):
    """C2 … C5 and every gradient."""
    golden = Golden(f"resnet {depth}")
    rng = np.random.default_rng(0)
    body = with_weights(ResNet(depth, width=width, norm="frozen", eps=1e-5, rng=rng))
    maps = body(draw(0, *RESNET_INPUT))
    dx = body.backward(upstream(maps))
    check_all(golden, "body", maps)
    golden.check("gradient of the input", dx)
    golden.check_gradients("gradients", gradients(body))


def test_pyramid():
    """P2 … P6 and every gradient, on sizes that are not twice the next."""
    golden = Golden("fpn")
    fpn = with_weights(FeaturePyramid(FPN_CHANNELS, FPN_OUT, rng=np.random.default_rng(0)))
    shapes = [(2, c, *size) for c, size in zip(FPN_CHANNELS, FPN_SIZES, strict=True)]
    pyramid = fpn([draw(i, *shape) for i, shape in enumerate(shapes)])
    grads = fpn.backward(upstream(pyramid))
    check_all(golden, "pyramid", pyramid)
    check_all(golden, "gradient of the body", grads)
    golden.check_gradients("gradients", gradients(fpn))


def test_region_proposals():
    """Proposals, labels, losses and every gradient, given torchvision's samples."""
    golden, part = Golden("rpn"), RPN_PART
    sampler = samples_from(golden, "train/rpn", len(part.sizes))
    rpn = with_weights(region_proposals(SMALL, part.channels, sampler))
    proposals, losses = rpn.train()(part.features(), part.sizes, part.padded, part.targets())
    check_all(golden, "train/rpn/proposals", proposals)
    for name, loss in losses.items():
        golden.check(f"train/losses/{name}", loss)
    assert {f"train/losses/{name}" for name in losses} == set(golden.keys_under("train/losses"))
    check_all(golden, "train/gradient of the features", rpn.backward())
    golden.check_gradients("train/gradients", gradients(rpn))
    proposals, losses = rpn.eval()(part.features(), part.sizes, part.padded)
    check_all(golden, "test/rpn/proposals", proposals)
    assert not losses


def test_roi_heads():
    """Labels, losses and every gradient, given torchvision's samples; and detections."""
    golden, part = Golden("roi heads"), ROI_PART
    sampler = samples_from(golden, "train/roi_heads", len(part.sizes))
    heads = with_weights(roi_heads(SMALL, part.channels, sampler))
    proposals = [golden[f"proposals/{i}"] for i in range(len(part.sizes))]
    given = part.features(), proposals, part.sizes
    _, losses = heads.train()(*given, part.targets(), padded=part.padded)
    for name, loss in losses.items():
        golden.check(f"train/losses/{name}", loss)
    assert {f"train/losses/{name}" for name in losses} == set(golden.keys_under("train/losses"))
    grads = heads.backward()
    for i, (dx, x) in enumerate(zip(grads, given[0], strict=True)):
        zeros = np.zeros_like(x)
        golden.check(f"train/gradient of the features/{i}", zeros if dx is None else dx)
    golden.check_gradients("train/gradients", gradients(heads))
    detections, _ = heads.eval()(*given, padded=part.padded)
    check_detections(golden, "test/detections", detections)
