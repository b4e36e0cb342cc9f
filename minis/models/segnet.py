"""SegNet (Badrinarayanan, Kendall & Cipolla 2017): remember where each maximum stood.

        x ──► convs ── pool ──► convs ── pool ──► … ──► unpool ──► convs ── unpool ──► convs ──► y
                        └── indices ──┼─────────────────────────────────────► ┘
                                      └── indices ──► …  ──► ┘

The encoder is VGG-16's 13 convolutions; the decoder is its mirror. Pooling loses where in its
window a maximum stood. Most networks bring that detail back by carrying whole maps across; SegNet
carries only the maxima's indices. Unpooling puts each value back where the maximum came from, with
zeros around it, and the convolutions that follow make the map dense again.

`.paper()` is the network of the authors' Caffe files (alexgkendall/SegNet-Tutorial,
segnet_train.prototxt). Every convolution has a bias, batch norm and ReLU, in the decoder too; only
the last has neither, and gives the logits. (The paper's smaller SegNet-Basic is without biases,
and without ReLU in the decoder.) Caffe's pools round up: an odd side keeps its last row, so that
360 × 480 becomes 12 × 15 after five of them. With the sizes kept, unpooling restores them all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from .. import nn
from ..nn import Module
from .sizes import check_image


class SegNet(Module):
    """SegNet for images (N, C, H, W) of any size, which its logits have too.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    num_classes : int
        Channels of the result.
    width : int
        Channels of the first level; each further one has twice as many, at most 8 times `width`.
    layers : tuple of int
        Convolutions of each level, before its pooling and again after its unpooling.
    rng : numpy.random.Generator, optional
        Draws the initial weights (He et al. 2015); by default seeded 0.

    Raises
    ------
    ValueError
        If an option is not positive, or there is no level.

    Notes
    -----
    With I channels and K classes, the published network has 29,441,280 + 576·I + 577·K parameters.

    Examples
    --------
    >>> model = SegNet.mini(in_channels=1, num_classes=2)
    >>> model(np.zeros((1, 1, 37, 50), np.float32)).shape
    (1, 2, 37, 50)
    """

    axes = 2

    def __init__(
        self,
        in_channels: int = 3,
        num_classes: int = 11,
        *,
        width: int = 64,
        layers: tuple[int, ...] = (2, 2, 3, 3, 3),
        rng: Generator | None = None,
    ) -> None:
        super().__init__()
        if min(in_channels, num_classes, width) < 1:
            raise ValueError(
                "SegNet: in_channels, num_classes and width must be positive, got "
                f"{in_channels}, {num_classes}, {width}"
            )
        if not layers or min(layers) < 1:
            raise ValueError(f"SegNet: layers must name positive numbers, got {layers}")
        rng = np.random.default_rng(0) if rng is None else rng
        self.in_channels = in_channels
        channels = [width * min(2**level, 8) for level in range(len(layers))]

        def convolve(inputs: int, outputs: int) -> list[Module]:
            conv = nn.Conv2d(inputs, outputs, 3, padding=1, rng=rng)
            return [conv, nn.BatchNorm(outputs), nn.ReLU()]

        def level(inputs: int, inner: int, outputs: int, count: int) -> list[Module]:
            sizes = [inputs, *[inner] * (count - 1), outputs]
            return [m for i in range(count) for m in convolve(sizes[i], sizes[i + 1])]

        inputs = [in_channels, *channels]
        self.encoder = [
            nn.Sequential(*level(inputs[i], c, c, layers[i])) for i, c in enumerate(channels)
        ]
        self.pool = nn.MaxPool(2, ceil_mode=True, return_indices=True)
        self.unpool = nn.MaxUnpool()
        # the mirror: a level's last convolution makes the channels of the level above it
        outputs = [num_classes, *channels]
        decoder = [level(c, c, outputs[i], layers[i]) for i, c in enumerate(channels)]
        del decoder[0][-2:]  # logits: neither batch norm nor ReLU
        self.decoder = [nn.Sequential(*modules) for modules in reversed(decoder)]

    @classmethod
    def paper(
        cls, in_channels: int = 3, num_classes: int = 11, *, rng: Generator | None = None
    ) -> SegNet:
        """Build the published network: 29,449,355 parameters for three channels and 11 classes."""
        return cls(in_channels, num_classes, rng=rng)

    @classmethod
    def mini(
        cls, in_channels: int = 1, num_classes: int = 2, *, rng: Generator | None = None
    ) -> SegNet:
        """Build a network that trains on a laptop's CPU: 16 to 64 channels on three levels."""
        return cls(in_channels, num_classes, width=16, layers=(2, 2, 3), rng=rng)

    def forward(self, x: Any) -> Any:
        """Map an image to logits.

        Parameters
        ----------
        x : (N, C, H, W) float array
            Images.

        Returns
        -------
        (N, K, H, W) array
            Logits of each class.

        Raises
        ------
        ValueError
            If x does not have the form or the channels, or if, in training, a level has a single
            value per channel.
        """
        check_image("SegNet", x, self.in_channels, axes=2)
        places = []
        for block in self.encoder:
            x = block(x)
            size = x.shape[2:]
            x, indices = self.pool(x)  # (N, C, ⌈H/2⌉, ⌈W/2⌉) both
            places.append((indices, size))
        for block in self.decoder:
            x = block(self.unpool(x, *places.pop()))
        return x

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the image, adding to those of the parameters.

        The indices don't change under a small change of x: they have no gradient. Unpooling's
        backward reads dy where values were put; pooling's puts values there.

        Parameters
        ----------
        dy : (N, K, H, W) array
            Gradient of the loss with respect to the logits.

        Returns
        -------
        (N, C, H, W) array
        """
        for block in reversed(self.decoder):
            dy = self.unpool.backward(block.backward(dy))
        for block in reversed(self.encoder):
            dy = block.backward(self.pool.backward(dy))
        return dy
