"""U-Net (Ronneberger, Fischer & Brox 2015): down to see what, up to say where.

        x ──► double conv ─────────────── skip ───────────────► concat ──► double conv ──► head
                  │ pool                                          ▲ up
                  └──► double conv ────── skip ──────► concat ────┘
                            │ pool                       ▲ up
                            └──────► double conv ────────┘

Each level down halves the map and doubles the channels. On the way up, a transposed convolution
doubles the map and halves the channels, and the skip brings back the detail of that size.

`.paper()` is the published network: convolutions without padding, so every one of them trims the
map by 2, skips are cropped, and an image of 572² gives 388². `.mini()` and any network with
`padded=True` keep the image's size, whatever it is, with batch norm and without biases before it,
as has become usual (milesial/Pytorch-UNet).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from .. import nn
from ..backend import array_namespace
from ..nn import Module
from .sizes import check_image, nearest_sizes, pad_or_crop


class UNet(Module):
    """U-Net for images (N, C, H, W).

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    num_classes : int
        Channels of the result.
    width : int
        Channels of the first level; each further level has twice as many.
    levels : int
        Number of levels, 5 in the paper.
    padded : bool
        Whether convolutions are padded, so that the result has the image's size.
    batch_norm : bool
        Whether each convolution is followed by batch norm, and has no bias.
    dropout : float
        Probability of dropping a value at the end of the contracting path.
    rng : numpy.random.Generator, optional
        Draws the initial weights (He et al. 2015) and the dropout masks; by default seeded 0.

    Examples
    --------
    >>> model = UNet.mini(in_channels=1, num_classes=2)
    >>> model(np.zeros((1, 1, 37, 50), np.float32)).shape
    (1, 2, 37, 50)
    """

    axes = 2

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        *,
        width: int = 64,
        levels: int = 5,
        padded: bool = True,
        batch_norm: bool = True,
        dropout: float = 0.0,
        rng: Generator | None = None,
    ) -> None:
        super().__init__()
        if min(in_channels, num_classes, width, levels) < 1:
            raise ValueError(
                "UNet: in_channels, num_classes, width and levels must be positive, got "
                f"{in_channels}, {num_classes}, {width}, {levels}"
            )
        rng = np.random.default_rng(0) if rng is None else rng
        self.in_channels, self.levels, self.padded = in_channels, levels, padded
        channels = [width * 2**level for level in range(levels)]

        def double_conv(inputs: int, outputs: int) -> Module:
            return _double_conv(inputs, outputs, padded, batch_norm, rng)

        inputs = [in_channels, *channels]
        self.down = [double_conv(inputs[i], channels[i]) for i in range(levels)]
        self.pool = nn.MaxPool(2)
        self.drop = nn.Dropout(dropout, rng=rng)
        self.up = [
            nn.ConvTranspose2d(2 * c, c, 2, stride=2, rng=rng) for c in reversed(channels[:-1])
        ]
        self.merge = [double_conv(2 * c, c) for c in reversed(channels[:-1])]
        self.head = nn.Conv2d(width, num_classes, 1, rng=rng)

    @classmethod
    def paper(
        cls, in_channels: int = 1, num_classes: int = 2, *, rng: Generator | None = None
    ) -> UNet:
        """Build the published network: 31,030,658 parameters for one channel and two classes."""
        return cls(in_channels, num_classes, padded=False, batch_norm=False, dropout=0.5, rng=rng)

    @classmethod
    def mini(
        cls, in_channels: int = 1, num_classes: int = 2, *, rng: Generator | None = None
    ) -> UNet:
        """Build a network that trains on a laptop's CPU: 8 to 64 channels on four levels."""
        return cls(in_channels, num_classes, width=8, levels=4, rng=rng)

    def forward(self, x: Any) -> Any:
        """Map an image to logits.

        Parameters
        ----------
        x : (N, C, H, W) float array
            Images.

        Returns
        -------
        (N, K, H', W') array
            Logits of each class: of the image's size if `padded`, else of `output_size(H, W)`.

        Raises
        ------
        ValueError
            If x does not have the form, the channels, or without padding a size that fits.
        """
        self._check(x)
        size = x.shape[2:]
        if self.padded:  # the deepest level needs at least one pixel
            x = pad_or_crop(x, tuple(max(s, 2 ** (self.levels - 1)) for s in size))
        self.remember(size, x.shape[2:])
        skips = []
        for block in self.down[:-1]:
            x = block(x)
            skips.append(x)  # (N, width·2^level, H/2^level, W/2^level)
            x = self.pool(x)
        x = self.drop(self.down[-1](x))
        for up, merge in zip(self.up, self.merge, strict=True):
            skip, x = skips.pop(), up(x)
            self.remember(skip.shape, x.shape)
            # an odd side was halved downwards: pad what comes up; unpadded skips are larger: crop
            if self.padded:
                x = pad_or_crop(x, skip.shape[2:])
            else:
                skip = pad_or_crop(skip, x.shape[2:])
            x = merge(array_namespace(x).concatenate([skip, x], axis=1))
        y = self.head(x)
        return pad_or_crop(y, size) if self.padded else y

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the image, adding to those of the parameters.

        Parameters
        ----------
        dy : (N, K, H', W') array
            Gradient of the loss with respect to the logits.

        Returns
        -------
        (N, C, H, W) array
        """
        shapes = [self.recall() for _ in self.up]  # the last remembered comes first
        size, inner_size = self.recall()
        dx = self.head.backward(pad_or_crop(dy, inner_size) if self.padded else dy)
        dskips = []
        for up, merge, (skip_shape, up_shape) in zip(
            reversed(self.up), reversed(self.merge), shapes, strict=True
        ):
            dboth = merge.backward(dx)
            channels = skip_shape[1]  # the concatenation's first channels came from the skip
            dskips.append(pad_or_crop(dboth[:, :channels], skip_shape[2:]))
            dx = up.backward(pad_or_crop(dboth[:, channels:], up_shape[2:]))
        dx = self.down[-1].backward(self.drop.backward(dx))
        for block in reversed(self.down[:-1]):
            # the skip and the pool read the same map: their gradients add
            dx = block.backward(self.pool.backward(dx) + dskips.pop())
        return pad_or_crop(dx, size)

    def output_size(self, size: int) -> int:
        """Return the length of the result's side for an image's side of `size`.

        Raises
        ------
        ValueError
            If no convolution without padding fits, naming the nearest sizes that do.

        Examples
        --------
        >>> UNet(width=1, padded=False).output_size(572)
        388
        """
        if self.padded:
            return size
        if not self._fits(size):
            raise ValueError(
                f"UNet: without padding, an image's side of {size} doesn't fit {self.levels} "
                f"levels; nearest: {nearest_sizes(size, self._fits, limit=16 * 2**self.levels)}"
            )
        return size - 4 * (3 * 2 ** (self.levels - 1) - 2)

    def _fits(self, size: int) -> bool:
        """Whether every map before a pool has an even side, and the result is not empty."""
        if size - 4 * (3 * 2 ** (self.levels - 1) - 2) < 1:
            return False
        for _ in range(self.levels - 1):
            size -= 4  # two convolutions
            if size % 2:
                return False
            size //= 2
        return True

    def _check(self, x: Any) -> None:
        check_image("UNet", x, self.in_channels, axes=2)
        for side in x.shape[2:]:
            self.output_size(side)


def _double_conv(
    inputs: int, outputs: int, padded: bool, batch_norm: bool, rng: Generator
) -> Module:
    layers: list[Module] = []
    for channels in (inputs, outputs):
        layers.append(
            nn.Conv2d(channels, outputs, 3, padding=int(padded), bias=not batch_norm, rng=rng)
        )
        if batch_norm:
            layers.append(nn.BatchNorm(outputs))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers)
