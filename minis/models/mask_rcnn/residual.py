"""Residual blocks (He et al. 2016): each adds to its input what a few convolutions make of it.

        x ──┬──► conv, norm, ReLU, …, conv, norm ──► + ──► ReLU
            └──────────── shortcut ──────────────────┘

The shortcut is the input itself, or, where a block halves the map or changes its channels, a 1×1
convolution with norm. A basic block has two 3×3 convolutions. A bottleneck has 1×1, 3×3 and 1×1,
the last with four times the channels. It strides on its 3×3, as torchvision's does; the paper's
strides on the first 1×1, and so never reads three values in four.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.random import Generator

from ... import nn
from ...nn import Module

NORMS = ("frozen", "batch", "group")
GROUPS = 32  # of group norm, as in Wu & He 2018


class ResidualBlock(Module):
    """Add to the input what a branch of convolutions makes of it, then ReLU.

    `BasicBlock` and `Bottleneck` say which convolutions these are.

    Parameters
    ----------
    inputs, width : int
        Channels of the input, and of the 3×3 convolutions.
    stride : int
        Of the block's first 3×3 convolution, and of its shortcut.
    norm : {"frozen", "batch", "group"}
    eps : float
    rng : numpy.random.Generator
    """

    expansion: int

    def __init__(
        self, inputs: int, width: int, stride: int, *, norm: str, eps: float, rng: Generator
    ) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.branch(inputs, width, stride, norm, eps, rng)
        self.relu = nn.ReLU()
        self.downsample: Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                convolution(inputs, outputs, 1, stride, rng), normalisation(norm, outputs, eps)
            )

    def branch(
        self, inputs: int, width: int, stride: int, norm: str, eps: float, rng: Generator
    ) -> None:
        """Make the convolutions and norms."""
        raise NotImplementedError

    @property
    def steps(self) -> list[tuple[Module, Module]]:
        """The branch's convolutions, each with its norm, in order."""
        raise NotImplementedError

    def forward(self, x: Any) -> Any:
        *first, (last_conv, last_norm) = self.steps
        y = x
        for conv, norm in first:
            y = self.relu(norm(conv(y)))
        y = last_norm(last_conv(y))
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(y + shortcut)

    def backward(self, dy: Any) -> Any:
        *first, (last_conv, last_norm) = self.steps
        dsum = self.relu.backward(dy)  # the sum's two terms both have this gradient
        dx = last_conv.backward(last_norm.backward(dsum))
        for conv, norm in reversed(first):
            dx = conv.backward(norm.backward(self.relu.backward(dx)))
        return dx + (dsum if self.downsample is None else self.downsample.backward(dsum))


class BasicBlock(ResidualBlock):
    """Two 3×3 convolutions, as in ResNet-18 and -34.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> block = BasicBlock(4, 8, 2, norm="group", eps=1e-5, rng=rng)
    >>> block(np.zeros((1, 4, 5, 5), np.float32)).shape
    (1, 8, 3, 3)
    """

    expansion = 1

    def branch(
        self, inputs: int, width: int, stride: int, norm: str, eps: float, rng: Generator
    ) -> None:
        self.conv1 = convolution(inputs, width, 3, stride, rng)
        self.bn1 = normalisation(norm, width, eps)
        self.conv2 = convolution(width, width, 3, 1, rng)
        self.bn2 = normalisation(norm, width, eps)

    @property
    def steps(self) -> list[tuple[Module, Module]]:
        return [(self.conv1, self.bn1), (self.conv2, self.bn2)]


class Bottleneck(ResidualBlock):
    """1×1 to fewer channels, 3×3, 1×1 to four times as many, as in ResNet-50 and -101.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> block = Bottleneck(4, 8, 2, norm="group", eps=1e-5, rng=rng)
    >>> block(np.zeros((1, 4, 5, 5), np.float32)).shape
    (1, 32, 3, 3)
    """

    expansion = 4

    def branch(
        self, inputs: int, width: int, stride: int, norm: str, eps: float, rng: Generator
    ) -> None:
        outputs = width * self.expansion
        self.conv1 = convolution(inputs, width, 1, 1, rng)
        self.bn1 = normalisation(norm, width, eps)
        self.conv2 = convolution(width, width, 3, stride, rng)
        self.bn2 = normalisation(norm, width, eps)
        self.conv3 = convolution(width, outputs, 1, 1, rng)
        self.bn3 = normalisation(norm, outputs, eps)

    @property
    def steps(self) -> list[tuple[Module, Module]]:
        return [(self.conv1, self.bn1), (self.conv2, self.bn2), (self.conv3, self.bn3)]


def convolution(inputs: int, outputs: int, size: int, stride: int, rng: Generator) -> nn.Conv2d:
    """Make a convolution without bias that keeps the map's size but for its stride.

    Examples
    --------
    >>> conv = convolution(3, 8, 7, 2, np.random.default_rng(0))
    >>> conv(np.zeros((1, 3, 9, 6), np.float32)).shape
    (1, 8, 5, 3)
    """
    conv = nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False, rng=rng)
    # drawn with variance 2 / fan-in; torchvision's 2 / fan-out keeps gradients the same size
    conv.weight.data *= np.float32(math.sqrt(inputs / outputs))
    return conv


def normalisation(norm: str, channels: int, eps: float) -> Module:
    """Make the layer that one of `NORMS` names.

    Examples
    --------
    >>> normalisation("group", 48, 1e-5).groups
    16
    """
    if norm == "group":
        return nn.GroupNorm(math.gcd(GROUPS, channels), channels, eps=eps)
    return (nn.FrozenBatchNorm if norm == "frozen" else nn.BatchNorm)(channels, eps=eps)
