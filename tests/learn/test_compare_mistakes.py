"""Comparing networks: one mistake at a time in a port, each named."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from minis.learn.comparing.networks import compare

from .test_compare_networks import MODEL, X, ported, put


class Mirrored(nn.Conv2d):
    """Convolution in the mathematicians' sense."""

    def forward(self, x):
        """With filters read backwards."""
        return functional.conv2d(x, self.weight.flip(2, 3), padding=1)


class Transposed(nn.Conv2d):
    """Height and width of the filters taken for each other."""

    def forward(self, x):
        """With filters transposed."""
        return functional.conv2d(x, self.weight.transpose(2, 3), padding=1)


class ByHand(nn.Module):
    """A convolution out of operations that aren't looked for, with a factor."""

    def __init__(self, factor):
        super().__init__()
        self.weight, self.factor = nn.Parameter(torch.zeros(4, 2, 3, 3)), factor

    def forward(self, x):
        """Unfold and multiply."""
        n, _, h, w = x.shape
        columns = functional.unfold(x, 3, padding=1)
        return self.factor * (self.weight.flatten(1) @ columns).view(n, 4, h, w)


class HalfGradient(torch.autograd.Function):
    """A ReLU whose backward someone has written."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(context, dy):
        (x,) = context.saved_tensors
        return 0.5 * dy * (x > 0)


class HalfReLU(nn.Module):
    """As a module."""

    def forward(self, x):
        """Apply it."""
        return HalfGradient.apply(x)


def convolution(kind, *arguments, **options):
    return put("bottom.conv_a", kind(*arguments, **options))


MISTAKES = {
    "eps": (put("bottom.norm_b.eps", 1e-3), "down.1.4", "forward of batch", "another eps, 0.001"),
    "mode": (
        lambda port: port.bottom.norm_a.eval(),
        "down.1.1",
        "forward of batch_norm",
        "the wrong mode: theirs normalises with the running statistics",
    ),
    "momentum": (
        put("encoder.norm_b.momentum", 0.9),
        "down.0.4.running_mean",
        "running statistics",
        "another momentum: theirs is 0.9, ours 0.1 (the weight of what was",
    ),
    "no bias": (put("out", nn.Conv2d(2, 3, 1, bias=False)), "head", "forward of conv", "no bias"),
    "mirrored": (
        convolution(Mirrored, 2, 4, 3, bias=False), "down.1.0", "forward of conv", "mirrored",
    ),
    "transposed": (
        convolution(Transposed, 2, 4, 3, bias=False), "down.1.0", "forward of conv", "transposed",
    ),
    "reflected padding": (
        convolution(nn.Conv2d, 2, 4, 3, padding=1, padding_mode="reflect", bias=False),
        "down.1.0",
        "forward of conv",
        "theirs pads by reflect, ours with zeros",
    ),
    "no padding, so that it fails": (
        convolution(nn.Conv2d, 2, 4, 3, bias=False),
        "down.1.0",
        "forward of conv",
        "theirs has padding=0, ours 1",
    ),
    "a scale, by hand": (convolution(ByHand, 0.5), "down.1.0", "forward of conv", "times 0.5"),
    "leaky": (
        put("bottom.act", lambda x: functional.leaky_relu(x, 0.2)),
        "down.1.2",
        "forward of relu",
        "a leaky ReLU of slope 0.2",
    ),
    "no activation": (
        put("bottom.act", lambda x: x), "down.1.3", "input of conv", "theirs lacks a layer: relu",
    ),
    "the other pooling": (
        put("pool", lambda x: functional.avg_pool2d(x, 2)), "down.1.0", "input of conv", "",
    ),
    "concatenation": (
        put("join", lambda skip, x: torch.cat([x, skip], 1)),
        "merge.0.0",
        "input of conv",
        "swapped channels: theirs begin with our channel 2, our first 2 come last",
    ),
    "a pixel": (
        put("join", lambda skip, x: torch.cat([skip, x.roll(1, 3)], 1)),
        "merge.0.0",
        "input of conv",
        "moved by 1 pixel along spatial axis 1, in channels 2 … 3 of 4",
    ),
    "a scaled result": (
        put("last", lambda y: 0.25 * y), "result", "the network's result", "times 0.25",
    ),
    "probabilities": (
        put("last", lambda y: y.softmax(1)),
        "result",
        "the network's result",
        "theirs goes on with softmax (softmax)",
    ),
    "a backward of one's own": (
        put("bottom.act", HalfReLU()), "down.1.2", "backward of relu, dx", "times 0.5",
    ),
    "detached": (
        put("join", lambda skip, x: torch.cat([skip.detach(), x], 1)),
        "down.0.5",
        "gradient that reaches relu",
        "",
    ),
    "frozen": (
        lambda port: port.bottom.conv_b.weight.requires_grad_(False),
        "down.1.3",
        "gradient of weight",
        "theirs gets no gradient",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_named(mistake):
    """The layer, what of it, how large, and what it looks like."""
    change, name, what, likely = MISTAKES[mistake]
    found = compare(MODEL, ported(change), X)
    assert not found.agree
    assert found.first.name == name
    assert what in found.first.what
    assert any(likely in told for told in found.first.likely) or not likely
    assert found.first.size > 1e-6
    assert f"First divergence: {name}" in " ".join(str(found).split())
