"""Networks against their mirrors: the same text, with PyTorch's operations and differentiation."""

import numpy as np
import pytest
import torch

from minis import nn
from minis.learn.comparing.mirror import mirror
from minis.learn.comparing.mirror_array import Mirrored
from minis.learn.comparing.networks import compare
from minis.learn.comparing.parts import PARTS, detector_parts
from minis.models import MaskRCNN, UNet, build

SHAPES = {
    "unet": (2, 1, 17, 24),  # odd: what comes up is padded
    "fcn": (1, 1, 33, 40),
    "segnet": (2, 1, 18, 21),
    "tiramisu": (2, 1, 19, 24),
    "vnet": (1, 1, 8, 9, 12),
}


@pytest.mark.parametrize("name", SHAPES)
def test_networks_agree_with_their_mirrors(name):
    """Every layer, forward and backward; every weight has its counterpart by its name."""
    model = build(name, in_channels=1, num_classes=2)
    x = np.random.default_rng(0).standard_normal(SHAPES[name])
    found = compare(model, mirror(model), x)
    assert found.agree, str(found)
    assert len(found.matched) == len(found.rows) > 30
    assert not found.weights.by_order
    assert not found.weights.only_ours
    assert not found.weights.only_theirs
    assert 0 < found.largest("backward") < 1e-10
    assert all(row.ours.dx is not None for row in found.rows)


def test_a_detector_s_parts_agree_with_their_mirrors():
    """On what they get in training."""
    model = MaskRCNN.mini()
    parts = list(detector_parts(model, (1, 3, 64, 64)))
    assert [name for name, *_ in parts] == list(PARTS)
    for name, part, x in parts:
        found = compare(part, mirror(part), x)
        assert found.agree, f"{name}: {found}"
        assert found.gradients
        assert len(found.matched) == len(found.rows)


def test_running_a_detector_leaves_its_statistics():
    """Though they move in training."""
    model = MaskRCNN(
        2, depth=18, width=4, norm="batch", trainable_layers=5, channels=8, min_size=64,
        max_size=64, fc_width=8, mask_width=4, proposals_train=20, rois_sampled=8,
    )  # fmt: skip
    before = {name: a.copy() for name, a in model.state_dict().items()}
    assert len(list(detector_parts(model, (1, 3, 64, 64)))) == len(PARTS)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


class SkipLost(UNet):
    """A U-Net whose backward forgets what came through the skips."""

    def backward(self, dy):
        """Zero what the skips bring."""
        for merge in self.merge:
            convolution = merge[0]
            inner = convolution.backward

            def halved(dy, inner=inner):
                dx = inner(dy).copy()
                dx[:, : dx.shape[1] // 2] = 0
                return dx

            convolution.backward = halved
        return super().backward(dy)


def test_a_wrong_backward_of_ours_is_found():
    """The mirror has only our forward: PyTorch differentiates it, so that ours is checked."""
    model = SkipLost(1, 2, width=2, levels=2)
    found = compare(model, mirror(model), np.random.default_rng(0).standard_normal((1, 1, 8, 8)))
    assert found.largest("forward") < 1e-10
    assert found.first.name == "down.0.5"
    assert found.first.what == "gradient that reaches relu"
    assert "a skip whose gradients must add" in found.first.note


def test_modes():
    """A mirror is in its network's mode, and can be switched."""
    model = UNet.mini().eval()
    x = np.random.default_rng(0).standard_normal((1, 1, 16, 16))
    found = compare(model, mirror(model), x)
    assert found.agree
    assert not found.gradients
    found = compare(model, mirror(model).train(), x)
    assert found.first.name == "down.0.1"
    assert "the batch's, as in train()" in found.first.likely[0]


@pytest.mark.parametrize(
    "layer",
    [
        nn.AvgPool(3, stride=2, padding=1, count_include_pad=False),
        nn.MaxPool((2, 3), stride=2, padding=(1, 0), ceil_mode=True),
        nn.Upsample((2, 3), mode="linear", align_corners=True),
        nn.LocalResponseNorm(3, alpha=0.1, k=2.0),
        nn.GroupNorm(2, 4),
        nn.FrozenBatchNorm(4),
        nn.PReLU(4),
        nn.ELU(0.7),
        nn.Sigmoid(),
        nn.Softmax(),
        nn.Dropout(0.5, rng=np.random.default_rng(0)),
    ],
)
def test_single_layers(layer):
    """Each operation that PyTorch has, with its options."""
    model = nn.Sequential(layer)
    found = compare(model, mirror(model), np.random.default_rng(0).standard_normal((2, 4, 9, 8)))
    assert found.agree, str(found)
    assert len(found.matched) == (0 if isinstance(layer, nn.Dropout) else 1)


def test_what_pytorch_has_not():
    """An operation without counterpart is named; the comparison says so."""

    class Region(nn.Module):
        def forward(self, x):
            from minis import ops

            box = np.array([[0.0, 0.0, 0.0, 2.0, 2.0]])
            return ops.roi_align(x, box, 2, aligned=True)

    x = np.ones((1, 1, 4, 4))
    found = compare(Region(), mirror(Region()), x)
    assert "PyTorch has no roi_align to compare with" in found.first.note


def test_writing_into_a_part_reaches_the_whole():
    """And what was read before keeps its value, as PyTorch's backward needs it."""
    whole = Mirrored(torch.zeros(1, 3, 4))
    before = whole[:, :1]
    whole[:, 1:][:, :, 2] = Mirrored(torch.ones(1, 2))
    assert whole.tensor[0, :, 2].tolist() == [0, 1, 1]
    assert before.tensor.sum() == 0
    assert len(whole) == 1
    assert (1 + whole[:, 2] * 3).tensor.max() == 4
