"""Comparing networks: a U-Net, and a port of it to PyTorch as a learner would write it."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from minis import nn as ours
from minis.learn.comparing.networks import compare
from minis.models import UNet

MODEL = UNet(1, 3, width=2, levels=2)
X = np.random.default_rng(0).standard_normal((2, 1, 12, 16))


class Block(nn.Module):
    """Two convolutions; names and the way of calling are the port's own."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv_a = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm_a = nn.BatchNorm2d(outputs)
        self.conv_b = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm_b = nn.BatchNorm2d(outputs)
        self.act = functional.relu

    def forward(self, x):
        """Convolve, normalise, rectify, twice."""
        x = self.act(self.norm_a(self.conv_a(x)))
        return functional.relu(self.norm_b(self.conv_b(x)), inplace=True)


class Port(nn.Module):
    """`MODEL` as a learner would write it; what it does between layers can be replaced."""

    def __init__(self):
        super().__init__()
        self.decoder = Block(4, 2)  # made before the encoder: the order of names isn't that of use
        self.encoder, self.bottom = Block(1, 2), Block(2, 4)
        self.up = nn.ConvTranspose2d(4, 2, 2, stride=2)
        self.out = nn.Conv2d(2, 3, 1)
        self.pool = lambda x: functional.max_pool2d(x, 2)
        self.join = lambda skip, x: torch.cat([skip, x], 1)
        self.last = lambda y: y

    def forward(self, x):
        """Down, up, join."""
        skip = self.encoder(x)
        x = self.up(self.bottom(self.pool(skip)))
        return self.last(self.out(self.decoder(self.join(skip, x))))


def ported(change=lambda port: None):
    """Return a port, changed."""
    port = Port()
    change(port)
    return port


def put(path, value):
    """Return a change that sets an attribute of a part of the port."""

    def change(port):
        part, _, name = path.rpartition(".")
        setattr(port.get_submodule(part), name, value)

    return change


def test_a_right_port_agrees():
    """Other names, functional calls, in-place activations: every layer finds its counterpart."""
    port, before = ported(), MODEL.state_dict()["down.0.0.weight"].copy()
    weight = port.out.weight.detach().clone()
    found = compare(MODEL, port, X)
    assert found.agree
    assert found.gradients
    assert len(found.matched) == len(found.rows) == 21
    assert dict(found.weights.by_order)["down.0.0.weight"] == "encoder.conv_a.weight"
    assert dict(found.weights.by_order)["merge.0.1.running_var"] == "decoder.norm_a.running_var"
    assert not found.weights.only_ours
    assert not found.weights.only_theirs
    assert found.largest("forward") < 1e-12
    assert 0 < found.largest("backward") < 1e-12
    assert "No divergence" in str(found)
    # neither network was changed
    np.testing.assert_array_equal(MODEL.state_dict()["down.0.0.weight"], before)
    assert torch.equal(port.out.weight, weight)
    assert MODEL.state_dict()["down.0.0.weight"].dtype == np.float32


def test_a_network_that_fails_is_compared_up_to_there():
    """The layer that has other shapes, and the error of the concatenation."""
    found = compare(MODEL, ported(put("bottom.conv_a", nn.Conv2d(2, 4, 3, bias=False))), X)
    assert "their network fails: RuntimeError: Sizes of tensors must match" in found.first.note

    def boom(y):
        raise KeyError("mine")

    found = compare(MODEL, ported(put("last", boom)), X)
    assert (found.first.name, found.first.what) == ("head", "their network fails after it")
    assert "KeyError: 'mine'" in found.first.note


def test_a_backward_that_fails():
    """In-place writing into what PyTorch's backward needs: the error is told."""

    def spoil(skip, x):
        skip.mul_(1.0)
        return torch.cat([skip, x], 1)

    found = compare(MODEL, ported(put("join", spoil)), X)
    assert found.first.what == "their backward fails"
    assert "modified by an inplace operation" in found.first.note
    assert not found.gradients


def test_what_is_done_before_the_first_layer():
    """It shows in the gradient of the input, though in no layer."""

    class Cut(Port):
        def forward(self, x):
            return super().forward(x.detach())

    found = compare(MODEL, Cut(), X)
    assert (found.first.name, found.first.what) == ("input", "gradient of the network's input")
    assert found.first.likely == ["theirs is zero"]


def test_evaluation():
    """Forward alone; running statistics, varied, are used by both."""
    MODEL.eval()
    try:
        found = compare(MODEL, ported().eval(), X)
        assert found.agree
        assert not found.gradients
        assert "Gradients weren't compared" in str(found)
        found = compare(MODEL, ported(), X)
        assert "the batch's, as in train()" in found.first.likely[0]
    finally:
        MODEL.train()


def test_float32():
    """A looser tolerance; the inputs stay what they are."""
    found = compare(MODEL, ported(), X, dtype=np.float32)
    assert found.agree
    assert 1e-9 < found.largest("forward") < 1e-4
    assert found.rows[0].ours.y.dtype == np.float32


def test_weights_of_their_own():
    """Not copied: the first layer whose weights aren't ours, and how they differ."""
    model = ours.Sequential(ours.Conv2d(2, 2, 3, rng=np.random.default_rng(1)), ours.ReLU())
    theirs = nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU())
    state = {k: torch.from_numpy(v) for k, v in model.state_dict().items()}
    x = np.random.default_rng(2).standard_normal((1, 2, 6, 7))
    theirs.load_state_dict(state)
    assert compare(model, theirs, x, copy_our_weights=False).agree
    theirs.load_state_dict(state | {"0.weight": state["0.weight"].swapaxes(0, 1)})
    found = compare(model, theirs, x, copy_our_weights=False)
    assert found.first.name == "0"
    assert "its weight differs: a transpose: theirs has our axes in the order 1, 0" in str(found)


def test_half_a_pixel():
    """Aligned corners of an upsampling; a skip that was sampled between the pixels."""
    model = ours.Sequential(ours.Upsample(2, mode="linear"))
    theirs = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True))
    found = compare(model, theirs, X)
    assert "align_corners=True (positions moved by up to half a pixel)" in found.first.likely[0]


def test_weights_without_counterpart_are_listed():
    """Both sides' names and shapes."""
    found = compare(MODEL, ported(put("out", nn.Conv2d(2, 5, 1))), X)
    assert found.weights.only_ours == ["head.weight (3, 2, 1, 1)", "head.bias (3,)"]
    assert found.weights.only_theirs == ["out.weight (5, 2, 1, 1)", "out.bias (5,)"]
    text = " ".join(str(found).split())
    assert "only in ours: head.weight (3, 2, 1, 1), head.bias (3,)" in text
    assert found.first.name == "head"
    assert "Results: ours [(2, 3, 12, 16)], theirs [(2, 5, 12, 16)]" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((nn.ReLU(), nn.ReLU(), X), "model must be a minis.nn.Module, got ReLU"),
        ((ours.ReLU(), ours.ReLU(), X), "torch_model must be a torch.nn.Module, got ReLU"),
    ],
)
def test_what_is_no_network(arguments, message):
    """It is said which of them."""
    with pytest.raises(TypeError, match=message):
        compare(*arguments)
