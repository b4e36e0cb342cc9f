"""The classification networks that FCN is built on, up to their last pool: VGG-16 and AlexNet.

Layers are numbered as in torchvision's `features` where torchvision has the network, so that its
weights fit. The first convolution's padding is left to the caller.
"""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from .. import nn
from ..nn import Module
from .alignment import Axis

# as published: channels of the first convolution, and side of the map that the first fully
# connected layer reads
BACKBONES = {"vgg16": (64, 7), "alexnet": (96, 6), "alexnet-torchvision": (64, 6)}


class Encoder(nn.Sequential):
    """Layers in a row that also give what comes out of the last few pools on the way.

    Parameters
    ----------
    layers : list of Module
        Ending with a `MaxPool`.
    taps : int
        How many of the pools' maps `forward` returns, counted from the end.

    Attributes
    ----------
    channels : list of int
        Of each of these maps.

    Examples
    --------
    >>> import numpy as np
    >>> encoder = Encoder([nn.MaxPool(2), nn.MaxPool(2), nn.MaxPool(2)], taps=2)
    >>> [y.shape for y in encoder(np.zeros((1, 1, 8, 8)))]
    [(1, 1, 2, 2), (1, 1, 1, 1)]
    """

    def __init__(self, layers: list[Module], taps: int) -> None:
        super().__init__(*layers)
        pools = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool)]
        self.taps = tuple(pools[-taps:])
        self.channels: list[int] = []
        channels = 1
        for i, layer in enumerate(layers):
            if isinstance(layer, nn.Conv2d):
                channels = layer.weight.data.shape[0]
            if i in self.taps:
                self.channels.append(channels)

    def forward(self, x: Any) -> list[Any]:
        """Map an image to the tapped pools' maps, the last pool's last."""
        maps = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i in self.taps:
                maps.append(x)
        return maps

    def backward(self, dy: list[Any]) -> Any:
        """Take the gradient of each map that `forward` returned; return the image's."""
        dmaps = list(dy)
        dx = dmaps.pop()
        for i in reversed(range(len(self.layers))):
            if i in self.taps[:-1]:
                # a tapped map is read by the decoder and by the next layer: the gradients add
                dx = dx + dmaps.pop()
            dx = self.layers[i].backward(dx)
        return dx

    def follow(self, axis: Axis) -> list[Axis]:
        """Return the tapped maps' axes for an axis of the image."""
        axes = []
        for i, layer in enumerate(self.layers):
            axis = axis.through(layer)
            if i in self.taps:
                axes.append(axis)
        return axes


def encoder_layers(
    backbone: str, in_channels: int, width: int, padding: int, batch_norm: bool, rng: Generator
) -> list[Module]:
    """Make the layers of one of `BACKBONES`, up to the last pool: see its own function.

    Raises
    ------
    ValueError
        If `batch_norm` is asked of AlexNet, or the width doesn't suit it.

    Examples
    --------
    >>> import numpy as np
    >>> len(encoder_layers("alexnet", 3, 96, 100, False, np.random.default_rng(0)))
    15
    """
    if backbone == "vgg16":
        return vgg16(in_channels, width, padding, batch_norm, rng)
    if batch_norm:
        raise ValueError(f"batch_norm is for backbone 'vgg16', got {backbone!r}")
    make = {"alexnet": alexnet, "alexnet-torchvision": alexnet_torchvision}[backbone]
    return make(in_channels, width, padding, rng)


def vgg16(
    in_channels: int, width: int, padding: int, batch_norm: bool, rng: Generator
) -> list[Module]:
    """Make VGG-16's layers (Simonyan & Zisserman 2015, configuration D).

    Parameters
    ----------
    in_channels : int
    width : int
        Channels of the first convolution, 64 as published; the others are in proportion.
    padding : int
        Of the first convolution.
    batch_norm : bool
        Whether batch norm follows each convolution, as in torchvision's `vgg16_bn`.
    rng : numpy.random.Generator

    Notes
    -----
    Pools round sizes up, as Caffe's do; torchvision's round down.

    Examples
    --------
    >>> import numpy as np
    >>> len(vgg16(3, 1, 1, False, np.random.default_rng(0)))
    31
    """
    layers: list[Module] = []
    inputs = in_channels
    for convolutions, factor in ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8)):
        for _ in range(convolutions):
            pad = 1 if layers else padding
            layers.append(nn.Conv2d(inputs, factor * width, 3, padding=pad, rng=rng))
            if batch_norm:
                layers.append(nn.BatchNorm(factor * width))
            layers.append(nn.ReLU())
            inputs = factor * width
        layers.append(nn.MaxPool(2, ceil_mode=True))
    return layers


def alexnet(in_channels: int, width: int, padding: int, rng: Generator) -> list[Module]:
    """Make AlexNet's layers (Krizhevsky et al. 2012) in the order of Caffe's: pool, then LRN.

    The second, fourth and fifth convolutions have two groups, each of which reads half of the
    channels: once there was a GPU for each half.

    Parameters
    ----------
    in_channels : int
    width : int
        Channels of the first convolution, 96 as published; the others are in proportion.
    padding : int
        Of the first convolution.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If the width isn't a multiple of 6.

    Examples
    --------
    >>> import numpy as np
    >>> layers = alexnet(3, 96, 100, np.random.default_rng(0))
    >>> [la.weight.data.shape[0] for la in layers if isinstance(la, nn.Conv2d)]
    [96, 256, 384, 384, 256]
    """
    if width % 6:
        raise ValueError(f"alexnet: width must be a multiple of 6, got {width}")
    wide, wider = 8 * width // 3, 4 * width
    return [
        nn.Conv2d(in_channels, width, 11, stride=4, padding=padding, rng=rng),
        nn.ReLU(),
        nn.MaxPool(3, stride=2, ceil_mode=True),
        nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
        nn.Conv2d(width, wide, 5, padding=2, groups=2, rng=rng),
        nn.ReLU(),
        nn.MaxPool(3, stride=2, ceil_mode=True),
        nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0),
        nn.Conv2d(wide, wider, 3, padding=1, rng=rng),
        nn.ReLU(),
        nn.Conv2d(wider, wider, 3, padding=1, groups=2, rng=rng),
        nn.ReLU(),
        nn.Conv2d(wider, wide, 3, padding=1, groups=2, rng=rng),
        nn.ReLU(),
        nn.MaxPool(3, stride=2, ceil_mode=True),
    ]


def alexnet_torchvision(in_channels: int, width: int, padding: int, rng: Generator) -> list[Module]:
    """Make the layers of torchvision's AlexNet (Krizhevsky 2014, "One weird trick").

    It is another network than `alexnet`: one tower, other widths, no LRN, pools that round down.

    Parameters
    ----------
    in_channels : int
    width : int
        Channels of the first convolution, 64 as published; the others are in proportion.
    padding : int
        Of the first convolution.
    rng : numpy.random.Generator

    Examples
    --------
    >>> import numpy as np
    >>> layers = alexnet_torchvision(3, 64, 2, np.random.default_rng(0))
    >>> [la.weight.data.shape[0] for la in layers if isinstance(la, nn.Conv2d)]
    [64, 192, 384, 256, 256]
    """
    return [
        nn.Conv2d(in_channels, width, 11, stride=4, padding=padding, rng=rng),
        nn.ReLU(),
        nn.MaxPool(3, stride=2),
        nn.Conv2d(width, 3 * width, 5, padding=2, rng=rng),
        nn.ReLU(),
        nn.MaxPool(3, stride=2),
        nn.Conv2d(3 * width, 6 * width, 3, padding=1, rng=rng),
        nn.ReLU(),
        nn.Conv2d(6 * width, 4 * width, 3, padding=1, rng=rng),
        nn.ReLU(),
        nn.Conv2d(4 * width, 4 * width, 3, padding=1, rng=rng),
        nn.ReLU(),
        nn.MaxPool(3, stride=2),
    ]
