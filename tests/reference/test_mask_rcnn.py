"""The PyTorch network that Mask R-CNN is timed against is torchvision's, and ours."""

import numpy as np
import pytest
import torch

import minis
from minis.models.mask_rcnn.mask_rcnn import MaskRCNN

from ..golden.mask_rcnn.configurations import CONFIGURATIONS, inputs, weights
from ..golden.mask_rcnn.files import Golden, names_and_shapes
from ..golden.mask_rcnn.parts import check_detections, samples_from
from ..models.scaled_error import scaled_error
from .mask_rcnn import TorchMaskRCNN
from .torch_boxes import paste
from .torch_regions import cut_masks
from .torch_roi_heads import draw_balanced

LOSSES = ["loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask"]


def options_of(c):
    """A configuration of the golden files, as arguments of both networks."""
    return {
        "num_classes": c.num_classes,
        "depth": c.depth,
        "width": c.width,
        "eps": c.eps,
        "trainable_layers": 5,
        "channels": c.channels,
        "anchor_sizes": c.anchor_sizes,
        "min_size": c.min_size,
        "max_size": c.max_size,
        "proposals_train": c.proposals[0],
        "proposals_test": c.proposals[1],
        "score_threshold": c.score_threshold,
        "detections_per_image": c.detections,
        "anchors_sampled": c.rpn_samples,
        "rois_sampled": c.roi_samples,
        "fc_width": c.representation,
        "mask_width": c.mask_channels,
    }


def with_drawn_weights(name):
    """A configuration's network in float64, with the golden files' weights."""
    network = TorchMaskRCNN(**options_of(CONFIGURATIONS[name])).double()
    state = network.state_dict()
    for key, value in weights({k: tuple(v.shape) for k, v in state.items()}).items():
        state[key].copy_(torch.from_numpy(value))
    return network


def as_torch(images, targets):
    """Return tensors that share the arrays' memory."""
    return [torch.from_numpy(image) for image in images], [
        {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in target.items()}
        for target in targets
    ]


def found_by(network, images):
    """What an evaluation finds, as arrays."""
    with torch.no_grad():
        found = network.eval()(images)
    return [{k: v.numpy() for k, v in one.items()} for one in found]


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_equal_to_torchvision(name):
    """Its losses, gradients and detections in float64, given its samples."""
    golden, network = Golden(name), with_drawn_weights(name)
    images, targets = as_torch(*inputs(CONFIGURATIONS[name]))
    check_detections(golden, "test/results", found_by(network, images))
    if name == "paper":
        state = {k: tuple(v.shape) for k, v in network.state_dict().items()}
        assert state == names_and_shapes()
        return
    network.train()
    network.draw_anchors = samples_from(golden, "train/rpn", len(images))
    network.roi_heads.draw = samples_from(golden, "train/roi_heads", len(images))
    losses = network(images, targets)
    assert list(losses) == LOSSES
    for key, loss in losses.items():
        golden.check(f"train/losses/{key}", loss.detach().numpy())
    sum(losses.values()).backward()
    grads = {
        key: np.zeros(p.shape) if p.grad is None else p.grad.numpy()
        for key, p in network.named_parameters()
        if p.requires_grad
    }
    golden.check_gradients("train/gradients", grads)


def first(labels, count, fraction):
    """The first objects and the first of the background."""
    positive = np.flatnonzero(labels > 0)[: int(count * fraction)]
    return positive, np.flatnonzero(labels == 0)[: count - len(positive)]


@pytest.mark.parametrize("norm", ["group", "frozen"])
def test_equal_to_minis(norm):
    """All of it in float64: two images of other sizes than the batch's, one without objects."""
    c = CONFIGURATIONS["small"]._replace(images=((70, 50, 2), (64, 90, 0)))
    options = {**options_of(c), "norm": norm, "trainable_layers": 3, "mean": (0.4,) * 3}
    torch.manual_seed(0)
    oracle = TorchMaskRCNN(**options).double()
    oracle.draw_anchors = oracle.roi_heads.draw = first
    model = MaskRCNN(**options).astype(np.float64)
    model.load_state_dict({k: v.numpy() for k, v in oracle.state_dict().items()})
    model.rpn.sampler = model.roi_heads.sampler = first
    images, targets = inputs(c)
    tensors = as_torch(images, targets)
    expected = oracle(*tensors)
    sum(expected.values()).backward()
    with minis.use("numba"):
        losses = model(images, targets)
        model.backward()
        found = model.eval()(images)
    assert list(losses) == list(expected) == LOSSES
    for name, loss in losses.items():
        assert abs(float(loss) - expected[name].item()) <= 1e-10, name
        assert float(loss) > 0, name
    grads = {n: p.grad.numpy() for n, p in oracle.named_parameters() if p.requires_grad}
    learned = dict(model.trainable())
    assert set(grads) == set(learned)
    for name, grad in grads.items():
        assert np.abs(learned[name].grad - grad).max() <= 1e-8 * max(1e-3, abs(grad).max()), name
    for ours, theirs in zip(found, found_by(oracle, tensors[0]), strict=True):
        assert len(ours["labels"]) > 3
        for key, value in theirs.items():
            assert scaled_error(ours[key], value) <= 1e-10, key


def test_random_samples():
    """As many as asked for, at most the share of objects, none twice, none that is neither."""
    labels = np.array([0, 1, -1, 5, 0, 0, 1, -1, 0, 0])
    positive, negative = draw_balanced(labels, 6, 0.34)
    assert len(set(positive)) == 2
    assert len(set(negative)) == 4
    assert (labels[positive] > 0).all()
    assert (labels[negative] == 0).all()


def test_nothing_to_cut_or_paste():
    """Empty arrays of the right shapes."""
    none = torch.zeros(0, 4)
    assert cut_masks(torch.zeros(0, 9, 9), none, torch.zeros(0).long(), 28).shape == (0, 28, 28)
    assert paste(torch.zeros(0, 1, 28, 28), none, (5, 6)).shape == (0, 1, 5, 6)
