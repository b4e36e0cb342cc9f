"""ResNet (He et al. 2016, "Deep residual learning"): the body that a detector looks through.

        image ─► conv 7×7/2, norm, ReLU ─► max pool 3×3/2 ─► layer1 ─► layer2 ─► layer3 ─► layer4
                                                               │ C2      │ C3      │ C4      │ C5
        side/2                             side/4            side/4    side/8    side/16   side/32

Each layer is a row of residual blocks (`residual.py`), whose first halves the map (but for layer1).
Names are torchvision's, and weights that its `resnet18` … `resnet101` learned on ImageNet load.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from ... import nn
from ...nn import Module
from ..sizes import check_image
from .pretrained import set_frozen_eps
from .residual import (
    NORMS,
    BasicBlock,
    Bottleneck,
    ResidualBlock,
    convolution,
    normalisation,
)

# depth: the kind of block, and how many of them each layer has
DEPTHS: dict[int, tuple[type[ResidualBlock], tuple[int, ...]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}


class ResNet(Module):
    """The maps C2 to C5 of an image (N, C, H, W) of any size; no classifier.

    Parameters
    ----------
    depth : {18, 34, 50, 101}
    in_channels : int
    width : int
        Channels of the first convolution, 64 as published; the others are in proportion.
    norm : {"frozen", "batch", "group"}
        "frozen", as Mask R-CNN's, is for loaded weights: see `nn.FrozenBatchNorm`. Learning from
        scratch needs one of the others, and with few images in a batch "group": 32 groups, or as
        many as divide both 32 and the channels.
    eps : float
        Of the norms; 0 in torchvision's published detectors.
    rng : numpy.random.Generator, optional
        Draws the initial weights, N(0, 2 / fan-out) as torchvision's; by default seeded 0.

    Attributes
    ----------
    channels : tuple of int
        Of C2 to C5.

    Raises
    ------
    ValueError
        If there is no such depth or norm, or a number of channels isn't positive.

    Examples
    --------
    >>> body = ResNet(18, width=4, norm="group")
    >>> [c.shape for c in body(np.zeros((1, 3, 64, 33), np.float32))]
    [(1, 4, 16, 9), (1, 8, 8, 5), (1, 16, 4, 3), (1, 32, 2, 2)]
    """

    def __init__(
        self,
        depth: int,
        *,
        in_channels: int = 3,
        width: int = 64,
        norm: str = "frozen",
        eps: float = 1e-5,
        rng: Generator | None = None,
    ) -> None:
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"ResNet: depth must be 18, 34, 50 or 101, got {depth!r}")
        if norm not in NORMS:
            raise ValueError(f"ResNet: norm must be 'frozen', 'batch' or 'group', got {norm!r}")
        if min(in_channels, width) < 1:
            raise ValueError(
                f"ResNet: in_channels and width must be positive, got {in_channels}, {width}"
            )
        rng = np.random.default_rng(0) if rng is None else rng
        self.depth, self.in_channels = depth, in_channels
        self.conv1 = convolution(in_channels, width, 7, 2, rng)
        self.bn1 = normalisation(norm, width, eps)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool(3, stride=2, padding=1)
        block, counts = DEPTHS[depth]
        self.channels = tuple(width * 2**level * block.expansion for level in range(4))

        def layer(level: int) -> Module:
            blocks, inputs = [], self.channels[level - 1] if level else width
            for i in range(counts[level]):
                stride = 2 if level and i == 0 else 1
                blocks.append(block(inputs, width * 2**level, stride, norm=norm, eps=eps, rng=rng))
                inputs = self.channels[level]
            return nn.Sequential(*blocks)

        self.layer1, self.layer2, self.layer3, self.layer4 = (layer(level) for level in range(4))

    def forward(self, x: Any) -> list[Any]:
        """Return C2, C3, C4 and C5: (N, channels[i], ⌈H/2^(i+2)⌉, ⌈W/2^(i+2)⌉).

        Parameters
        ----------
        x : (N, C, H, W) float array

        Raises
        ------
        ValueError
            If x does not have the form or the channels.
        """
        check_image("ResNet", x, self.in_channels, axes=2)
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        maps = []
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
            maps.append(x)
        return maps

    def backward(self, dy: Sequence[Any]) -> Any:
        """Take the gradients of C2 to C5; return the image's, adding to those of the parameters."""
        d2, d3, d4, d5 = dy
        dx = self.layer4.backward(d5)
        # each map was returned, and read by the next layer: the gradients add
        dx = self.layer3.backward(dx + d4)
        dx = self.layer2.backward(dx + d3)
        dx = self.layer1.backward(dx + d2)
        dx = self.bn1.backward(self.relu.backward(self.maxpool.backward(dx)))
        return self.conv1.backward(dx)

    def load_pretrained(self, state: Mapping[str, Any], *, eps: float = 1e-5) -> ResNet:
        """Take over what torchvision's `resnet18` … `resnet101` learned on ImageNet.

        Parameters
        ----------
        state : mapping of str to array
            torchvision's state dict; ImageNet's scores ("fc.") are dropped.
        eps : float
            What frozen batch norm adds to the variance from now on: with 1e-5 they were learned.

        Returns
        -------
        ResNet
            The network itself.

        Raises
        ------
        ValueError
            If the weights are of another depth, or listing every name that is missing, unexpected
            or misshapen; then nothing is loaded.

        Notes
        -----
        These weights expect RGB images in 0 … 1, less the mean (0.485, 0.456, 0.406), divided by
        (0.229, 0.224, 0.225).
        """
        theirs = _depth(state)
        if theirs not in (None, self.depth):
            raise ValueError(
                f"ResNet.load_pretrained: these are weights of depth {theirs}, and this network's "
                f"is {self.depth}"
            )
        self.load_state_dict(
            {name: array for name, array in state.items() if not name.startswith("fc.")}
        )
        set_frozen_eps(self, eps)
        return self


def _depth(state: Mapping[str, Any]) -> int | None:
    """Tell a network's depth from the names of its blocks."""
    blocks = {tuple(name.split(".")[:2]) for name in state if name.startswith("layer")}
    counts = tuple(sum(layer == f"layer{i}" for layer, _ in blocks) for i in range(1, 5))
    kind = Bottleneck if "layer1.0.conv3.weight" in state else BasicBlock
    return next((depth for depth, found in DEPTHS.items() if found == (kind, counts)), None)
