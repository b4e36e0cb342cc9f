"""The region proposal network is torchvision's: losses, samples and every gradient."""

import sys
from itertools import chain

import numpy as np
import pytest
import torch

import minis
from minis import ops
from minis.models.mask_rcnn.anchors import map_to_rows
from minis.models.mask_rcnn.rpn import RegionProposals
from minis.training.generators import find_generators

from ... import fake_cupy
from ...reference.rpn import TorchRPN, loop_anchors, loop_labels, loop_proposals
from ..scaled_error import scaled_error

RATIOS = (0.5, 1.0, 2.0)
SIZES = ((16,), (32,))
PADDED = (64, 96)
SHAPES = [(8, 12), (4, 6)]


def make(sizes=SIZES, shapes=SHAPES, images=2, seed=0, **options):
    """Build the network and its oracle with the same weights, and maps."""
    torch.manual_seed(seed)
    oracle = TorchRPN(5, 3).double()
    model = RegionProposals(5, sizes, RATIOS, **options).astype(np.float64)
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    rng = np.random.default_rng(seed)
    return model, oracle, [rng.standard_normal((images, 5, *shape)) for shape in shapes]


def recording(draws):
    """Draw as the network does, and keep what was drawn."""
    rng = np.random.default_rng(5)

    def draw(labels, count, fraction):
        drawn = ops.sample_balanced(labels, count, fraction, rng)
        draws.append((labels, *drawn))
        return drawn

    return draw


OBJECTS = {
    "objects": [[[10, 12, 40, 33], [50, 5, 70, 60], [12, 10, 39, 35]], [[3, 3, 20, 22]]],
    "an image without": [[], [[3, 3, 20, 22]]],
    "none at all": [[], []],
    "the same twice": [[[10, 12, 40, 33], [10, 12, 40, 33]], [[0, 0, 96, 64]]],
    "outside every anchor": [[[1e4, 1e4, 1e4 + 9, 1e4 + 9]], [[3, 3, 20, 22]]],
}


@pytest.mark.parametrize("case", OBJECTS)
@pytest.mark.parametrize("samples", [16, 256])
def test_losses_and_gradients_equal_pytorch(case, samples, backend):
    """Each parameter's gradient summed over levels, and the gradient of each level's map."""
    draws = []
    model, oracle, features = make(samples=samples, sampler=recording(draws))
    objects = [np.array(boxes, float).reshape(-1, 4) for boxes in OBJECTS[case]]
    dloss = 1.7
    with minis.use(backend):
        _, losses = model(features, [(60, 90), (64, 96)], PADDED, [{"boxes": b} for b in objects])
        dfeatures = model.backward(dloss)

    anchors = list(chain(*loop_anchors(PADDED, SHAPES, SIZES, RATIOS)))
    chosen = []
    for (labels, positive, negative), boxes in zip(draws, objects, strict=True):
        expected = loop_labels(anchors, boxes.tolist())
        assert (labels - 1).tolist() == expected
        assert len(positive) <= samples // 2
        assert len(positive) + len(negative) <= samples
        pairs = [(int(i), boxes[expected[i]].tolist()) for i in positive]
        chosen.append(pairs + [(int(i), None) for i in negative])
    maps = [torch.from_numpy(x).requires_grad_(True) for x in features]
    expected = oracle.losses(maps, anchors, chosen)
    assert set(losses) == set(expected)
    for name, loss in expected.items():
        assert losses[name].shape == ()
        assert scaled_error(losses[name], loss.detach().numpy()) <= 1e-12
    if case == "none at all":
        assert losses["loss_rpn_box_reg"] == 0
    else:
        assert losses["loss_rpn_box_reg"] > 0
    (dloss * sum(expected.values())).backward()
    assert len(dfeatures) == len(maps)
    for dx, x in zip(dfeatures, maps, strict=True):
        assert dx.any()
        assert scaled_error(dx, x.grad.numpy()) <= 1e-12
    learned = dict(oracle.named_parameters())
    for name, parameter in model.named_parameters():
        grad = learned.pop(name).grad
        grad = np.zeros(parameter.data.shape) if grad is None else grad.numpy()
        assert scaled_error(parameter.grad, grad) <= 1e-12, name
        assert grad.any() or case == "none at all"
    assert not learned


def test_gradients_are_of_finite_differences():
    """Without the oracle: the sum of both losses along a random direction of the maps."""
    draws = []
    model, _, features = make(sampler=lambda *_: draws[0])
    anchors = list(chain(*loop_anchors(PADDED, SHAPES, SIZES, RATIOS)))
    boxes = np.array([[10.0, 12.0, 40.0, 33.0]])
    labels = np.array(loop_labels(anchors, boxes.tolist())) + 1
    draws.append((np.flatnonzero(labels > 0), np.flatnonzero(labels == 0)[::9]))
    targets = [{"boxes": boxes}, {"boxes": boxes}]

    def loss(maps):
        return float(sum(model(maps, [PADDED] * 2, PADDED, targets)[1].values()))

    rng = np.random.default_rng(1)
    way = [rng.standard_normal(x.shape) for x in features]
    up, down = (
        loss([x + e * d for x, d in zip(features, way, strict=True)]) for e in (1e-5, -1e-5)
    )
    loss(features)
    slope = sum(float((d * g).sum()) for d, g in zip(way, model.backward(), strict=True))
    assert abs((up - down) / 2e-5 - slope) <= 1e-7 * max(1, abs(slope))


def test_backward_takes_the_last_call_first():
    """Two calls before two backwards, as for two batches of one step."""
    model, _, features = make(sampler=lambda labels, *_: (np.arange(0), np.arange(0, 99, 3)))
    targets = [{"boxes": np.zeros((0, 4))}] * 2
    other = [2 * x for x in features]
    alone = []
    for maps in (features, other):
        model(maps, [PADDED] * 2, PADDED, targets)
        alone.append(model.backward())
    for maps in (features, other):
        model(maps, [PADDED] * 2, PADDED, targets)
    for expected in reversed(alone):
        for a, b in zip(model.backward(), expected, strict=True):
            assert np.array_equal(a, b)
    with pytest.raises(RuntimeError, match="nothing is remembered"):
        model.backward()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("counts", [(6, 9), (2000, 1000)])
def test_proposals_equal_the_loops(training, counts, backend):
    """The number differs between training and evaluation; each image is clipped to its size."""
    options = dict(zip(("proposals_train", "proposals_test"), counts, strict=True))
    model, oracle, features = make(**options)
    model.train(training)
    sizes = [(50, 96), (64, 70)]
    targets = [{"boxes": np.zeros((0, 4))}] * 2 if training else None
    with minis.use(backend):
        proposals, losses = model(features, sizes, PADDED, targets)
    assert bool(losses) == training
    anchors = loop_anchors(PADDED, SHAPES, SIZES, RATIOS)
    with torch.no_grad():
        predicted = [oracle.head(torch.from_numpy(x)) for x in features]
    for n, size in enumerate(sizes):
        logits = [map_to_rows(y.numpy(), 1)[n, :, 0].tolist() for y, _ in predicted]
        deltas = [map_to_rows(y.numpy(), 4)[n].tolist() for _, y in predicted]
        count = counts[0] if training else counts[1]
        expected, _ = loop_proposals(logits, deltas, anchors, size, count)
        assert proposals[n].shape == (len(expected), 4)
        assert scaled_error(proposals[n], np.array(expected)) <= 1e-12
        assert proposals[n].max(axis=0)[2] <= size[1]


def test_single_level_float32(backend):
    """One level of one cell, in float32; an image of one pixel."""
    model = RegionProposals(4, ((8, 16),), (1.0,))
    x = np.ones((1, 4, 1, 1), np.float32)
    with minis.use(backend):
        proposals, losses = model([x], [(1, 1)], (32, 32), [{"boxes": np.zeros((0, 4))}])
        (dx,) = model.backward()
    assert proposals[0].dtype == dx.dtype == losses["loss_objectness"].dtype == np.float32
    assert proposals[0].shape == (1, 4)  # both cover the pixel; one suppresses the other
    assert abs(float(losses["loss_objectness"]) - np.log(2)) < 0.1
    assert losses["loss_rpn_box_reg"] == 0


def test_runs_on_another_namespace(monkeypatch):
    """Nothing mixes NumPy's arrays with those of an imagined GPU."""
    monkeypatch.setitem(sys.modules, "cupy", fake_cupy.module())
    model, _, features = make(sampler=np.random.default_rng(1))
    boxes = [np.array([[10.0, 12.0, 40.0, 33.0]]), np.zeros((0, 4))]
    with minis.use("numpy"):
        proposals, losses = model(features, [PADDED] * 2, PADDED, [{"boxes": b} for b in boxes])
        dfeatures = model.backward()
        model._convert(fake_cupy.ndarray).sampler = np.random.default_rng(1)
        maps = [fake_cupy.ndarray(x) for x in features]
        targets = [{"boxes": fake_cupy.ndarray(b)} for b in boxes]
        got, got_losses = model(maps, [PADDED] * 2, PADDED, targets)
        got_dfeatures = model.backward()
    for a, b in zip([*got, *got_dfeatures], [*proposals, *dfeatures], strict=True):
        assert np.array_equal(a.get(), b)
    assert {k: float(v) for k, v in got_losses.items()} == losses


def test_published_size():
    """593,935 parameters of 256 channels; drawn from N(0, 0.01²), biases 0."""
    model = RegionProposals(256, rng=np.random.default_rng(1))
    sizes = {name: p.data.size for name, p in model.named_parameters()}
    assert sum(sizes.values()) == 593_935
    names = ("head.conv.0.0", "head.cls_logits", "head.bbox_pred")
    assert set(sizes) == {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            assert not p.data.any()
        else:
            assert abs(p.data.std() - 0.01) < 0.002
            assert p.data.dtype == np.float32


def test_samples_follow_the_generator():
    """The same generator gives the same samples; a run's saved state holds it."""
    targets = [{"boxes": np.array([[10.0, 12.0, 40.0, 33.0]])}] * 2

    def loss(seed):
        model, _, features = make(samples=8, sampler=np.random.default_rng(seed))
        assert "model.sampler" in find_generators(model, np.random.default_rng(0))
        return [
            float(model(features, [PADDED] * 2, PADDED, targets)[1]["loss_objectness"])
            for _ in range(2)
        ]

    assert loss(1) == loss(1)
    assert loss(1) != loss(2)
    assert loss(1)[0] != loss(1)[1]


def test_nothing_drawn():
    """A sampler that takes nothing: losses and gradients are zero, not NaN."""
    none = np.zeros(0, np.int64)
    model, _, features = make(sampler=lambda *_: (none, none))
    _, losses = model(features, [PADDED] * 2, PADDED, [{"boxes": np.zeros((0, 4))}] * 2)
    assert set(map(float, losses.values())) == {0.0}
    assert not any(dx.any() for dx in model.backward())


def test_wrong_input():
    """What came and what was expected."""
    model, _, features = make()
    targets = [{"boxes": np.zeros((0, 4))}] * 2
    for args, text in (
        ((features[:1], [PADDED] * 2, PADDED, targets), "must hold 2 maps.* got 1"),
        ((features, [PADDED], PADDED, targets), "sizes must have one entry .* 2 images, got 1"),
        ((features, [PADDED] * 2, PADDED, targets[:1]), "targets must have one .* got 1"),
        ((features, [PADDED] * 2, PADDED), "targets are needed in training"),
    ):
        with pytest.raises(ValueError, match=text):
            model(*args)
    with pytest.raises(ValueError, match="same number of anchors"):
        RegionProposals(4, ((8,), (8, 16)))
    for options, text in (
        ({"channels": 0}, "channels must be at least 1"),
        ({"channels": 4, "proposals_test": 0}, "proposals_test must be at least 1"),
        ({"channels": 4, "high": 0.2}, "high must be"),
        ({"channels": 4, "positive_fraction": 2}, "positive_fraction must be"),
    ):
        with pytest.raises(ValueError, match=text):
            RegionProposals(**options)
