"""Transform, backbone, RPN and RoI heads one after the other, against torchvision's network."""

import numpy as np
import pytest

import minis
from minis.models.mask_rcnn.transform import Transform

from .files import CONFIGURATIONS, MEAN, STD, Golden, inputs, names_and_shapes, weights
from .parts import (
    backbone,
    check_all,
    check_detections,
    gradients,
    region_proposals,
    roi_heads,
    samples_from,
    with_weights,
)

LOSSES = 1e-8
TRAINED = [name for name in CONFIGURATIONS if name != "paper"]


class Chain:
    """The parts of a configuration, with its weights, in float64."""

    def __init__(self, name):
        c = CONFIGURATIONS[name]
        self.golden, self.images = Golden(name), len(c.images)
        self.transform = Transform(c.min_size, c.max_size, MEAN, STD)
        draw = [None, None]
        if name != "paper":
            paths = ("train/rpn", "train/roi_heads")
            draw = [samples_from(self.golden, path, self.images) for path in paths]
        self.parts = {
            "backbone.": backbone(c),
            "rpn.": region_proposals(c, c.channels, draw[0]),
            "roi_heads.": roi_heads(c, c.channels, draw[1]),
        }
        shapes = {
            prefix + key: value.shape
            for prefix, part in self.parts.items()
            for key, value in part.state_dict().items()
        }
        drawn = weights(shapes)
        for prefix, part in self.parts.items():
            self.parts[prefix] = with_weights(part, prefix, drawn)

    def train(self, train=True):
        for part in self.parts.values():
            part.train() if train else part.eval()
        return self.parts.values()


@pytest.fixture(params=TRAINED)
def chain(request, backend):
    """Every configuration that is small, on each backend."""
    with minis.use(backend):
        yield Chain(request.param), *inputs(CONFIGURATIONS[request.param])


def test_training(chain):
    """The five losses and every gradient, given torchvision's samples."""
    chain, images, targets = chain
    golden = chain.golden
    body, rpn, heads = chain.train()
    batch, sizes, resized = chain.transform(images, targets)
    golden.check("batch", batch)
    assert [tuple(golden[f"sizes/{i}"]) for i in range(chain.images)] == [tuple(s) for s in sizes]
    for key in ("boxes", "masks"):
        check_all(golden, f"resized/{key}", [t[key] for t in resized])
    pyramid = body(batch)
    check_all(golden, "train/pyramid", pyramid)
    padded = batch.shape[2:]
    proposals, rpn_losses = rpn(pyramid, sizes, padded, resized)
    check_all(golden, "train/rpn/proposals", proposals)
    _, roi_losses = heads(pyramid, proposals, sizes, resized, padded=padded)
    losses = {**rpn_losses, **roi_losses}
    assert {f"train/losses/{name}" for name in losses} == set(golden.keys_under("train/losses"))
    for name, loss in losses.items():
        golden.check(f"train/losses/{name}", loss, LOSSES)
    from_rpn, from_heads = rpn.backward(), heads.backward()
    from_heads = [
        np.zeros_like(x) if d is None else d for d, x in zip(from_heads, pyramid, strict=True)
    ]
    check_all(golden, "train/gradient of the pyramid from the rpn", from_rpn)
    check_all(golden, "train/gradient of the pyramid from the roi heads", from_heads)
    dx = body.backward([a + b for a, b in zip(from_rpn, from_heads, strict=True)])
    golden.check("train/gradient of the batch", dx)
    everything = {}
    for prefix, part in chain.parts.items():
        everything |= gradients(part, prefix)
    golden.check_gradients("train/gradients", everything)


def check_evaluation(chain, images):
    """Compare proposals, detections, and masks in the images."""
    golden = chain.golden
    body, rpn, heads = chain.train(False)
    batch, sizes, _ = chain.transform(images)
    pyramid = body(batch)
    check_all(golden, "train/pyramid", pyramid)
    padded = batch.shape[2:]
    proposals, _ = rpn(pyramid, sizes, padded)
    check_all(golden, "test/rpn/proposals", proposals)
    detections, _ = heads(pyramid, proposals, sizes, padded=padded)
    check_detections(golden, "test/detections", detections)
    results = chain.transform.postprocess(detections, sizes, [x.shape[1:] for x in images])
    check_detections(golden, "test/results", results)
    for i, result in enumerate(results):
        areas = (result["masks"] > 0.5).sum(axis=(1, 2, 3))
        golden.check(f"test/results/{i}/mask areas", areas, 0)


def test_evaluation(chain):
    """Small ones."""
    chain, images, _ = chain
    check_evaluation(chain, images)


def test_paper():
    """The published network's size, names and shapes, and its detections; one backend."""
    with minis.use("numba"):
        chain = Chain("paper")
        images, _ = inputs(CONFIGURATIONS["paper"])
        state = {
            prefix + name: value.shape
            for prefix, part in chain.parts.items()
            for name, value in part.state_dict().items()
        }
        assert state == names_and_shapes()
        check_evaluation(chain, images)
