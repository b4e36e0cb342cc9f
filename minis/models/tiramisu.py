"""The One Hundred Layers Tiramisu, FC-DenseNet (Jégou et al. 2017): U-Net's shape, dense blocks.

A dense layer makes only k new maps ("growth rate"), but reads all that were made before it in its
block, and what the block was given. So a block's maps are a stack that grows:

    x₀        x₁ = f₁(x₀)        x₂ = f₂([x₀, x₁])        x₃ = f₃([x₀, x₁, x₂])        …

        first ──► dense block ───────────── skip ─────────────► concat ──► dense block ──► head
                      │ down                                       ▲ up
                      └──► dense block ──── skip ────► concat ─────┘
                                │ down                    ▲ up
                                └──────► dense block ─────┘

On the way down a whole stack goes on, [x₀ … x_L]. If it did on the way up as well, where maps are
large, memory would not suffice: there only the new maps [x₁ … x_L] go up, and the skip brings the
rest. After the last block, the classifier reads the whole stack.

Where the paper leaves something open, this follows the authors' code (SimJeg/FC-DenseNet). Counted
for three channels and 11 classes, the parameters are

    variant    growth rate k    layers of each block              learned
    56         12               4                               1,376,795    (the paper: 1.5 M)
    67         16               5                               3,463,243    (3.5 M)
    103        16               4 5 7 10 12 15 12 10 7 5 4      9,322,091    (9.4 M)

The paper's last two count batch norm's running statistics in: 3,502,923 and 9,425,163. Its first
comes out in neither way.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.random import Generator

from .. import nn, ops
from ..backend import array_namespace
from ..nn import Module
from .sizes import check_image, nearest_sizes, pad_or_crop

VARIANTS = {
    56: (12, (4,) * 11),
    67: (16, (5,) * 11),
    103: (16, (4, 5, 7, 10, 12, 15, 12, 10, 7, 5, 4)),
}


class Tiramisu(Module):
    """FC-DenseNet for images (N, C, H, W); its logits have the image's size.

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    num_classes : int
        Channels of the result.
    variant : {56, 67, 103}
        The published network of so many layers: gives `growth_rate` and `layers`.
    growth_rate : int, optional
        Maps that each dense layer adds, in place of the variant's.
    layers : tuple of int, optional
        Dense layers of each block in place of the variant's: those going down, the lowest, those
        going up. There is one pooling for each block going down.
    first_channels : int
        Maps of the first convolution.
    dropout : float
        Probability of dropping a value after each convolution but the first and the last.
    batch_statistics : bool
        Whether `eval()` normalises with the statistics of the batch that it is given, as the
        authors' code does, in place of the running ones. Then an image's result depends on the
        images beside it. It can be chosen after training: running statistics are kept either way.
    any_size : bool
        Whether images smaller than 2^poolings are padded with zeros inside, and not an error.
    rng : numpy.random.Generator, optional
        Draws the initial weights (He et al. 2015, uniform) and the dropout masks; by default
        seeded 0.

    Raises
    ------
    ValueError
        If there is no such variant, or an option is out of its range.

    Examples
    --------
    >>> model = Tiramisu(3, 11, growth_rate=4, layers=(2, 3, 2), first_channels=8)
    >>> model(np.zeros((1, 3, 37, 50), np.float32)).shape
    (1, 11, 37, 50)
    """

    axes = 2

    def __init__(
        self,
        in_channels: int = 3,
        num_classes: int = 11,
        *,
        variant: int = 103,
        growth_rate: int | None = None,
        layers: tuple[int, ...] | None = None,
        first_channels: int = 48,
        dropout: float = 0.2,
        batch_statistics: bool = False,
        any_size: bool = False,
        rng: Generator | None = None,
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"Tiramisu: variant must be 56, 67 or 103, got {variant}")
        growth = VARIANTS[variant][0] if growth_rate is None else growth_rate
        layers = VARIANTS[variant][1] if layers is None else tuple(layers)
        if min(in_channels, num_classes, growth, first_channels) < 1:
            raise ValueError(
                "Tiramisu: in_channels, num_classes, growth_rate and first_channels must be "
                f"positive, got {in_channels}, {num_classes}, {growth}, {first_channels}"
            )
        if len(layers) < 3 or len(layers) % 2 == 0 or min(layers) < 1:
            raise ValueError(
                "Tiramisu: layers must be positive and of an odd number of blocks, at least 3 "
                f"(down, lowest, up), got {layers}"
            )
        if not 0 <= dropout <= 1:
            raise ValueError(f"Tiramisu: dropout must be in 0 … 1, got {dropout}")
        rng = np.random.default_rng(0) if rng is None else rng
        self.in_channels, self.poolings, self.any_size = in_channels, len(layers) // 2, any_size

        def convolve(inputs: int, outputs: int, kernel: int) -> list[Module]:
            norm = _BatchStatisticsNorm(inputs) if batch_statistics else nn.BatchNorm(inputs)
            conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, rng=rng)
            return [norm, nn.ReLU(), conv, *([nn.Dropout(dropout, rng=rng)] if dropout else [])]

        def dense_block(inputs: int, count: int, whole: bool) -> Module:
            made = range(inputs, inputs + growth * count, growth)  # when each layer's turn comes
            dense_layers: list[Module] = [nn.Sequential(*convolve(c, growth, 3)) for c in made]
            return _DenseBlock(dense_layers, inputs, growth, whole)

        self.first = nn.Conv2d(in_channels, first_channels, 3, padding=1, rng=rng)
        self.down: list[Module] = []
        self.transition_down: list[Module] = []
        channels, skips = first_channels, []
        for count in layers[: self.poolings]:
            self.down.append(dense_block(channels, count, whole=True))
            channels += growth * count
            skips.append(channels)
            pooled = [*convolve(channels, channels, 1), nn.MaxPool(2)]
            self.transition_down.append(nn.Sequential(*pooled))
        self.lowest = dense_block(channels, layers[self.poolings], whole=False)
        self.transition_up: list[Module] = []
        self.up: list[Module] = []
        for below, count in pairwise(layers[self.poolings :]):
            new = growth * below
            self.transition_up.append(nn.ConvTranspose2d(new, new, 3, stride=2, rng=rng))
            last = len(self.up) == self.poolings - 1
            self.up.append(dense_block(new + skips[-1], count, whole=last))
            channels = new + skips.pop() + growth * count
        self.head = nn.Conv2d(channels, num_classes, 1, rng=rng)
        for _, module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                module.weight.data[...] = nn.he_uniform(rng, module.weight.data.shape)

    @classmethod
    def paper(
        cls,
        in_channels: int = 3,
        num_classes: int = 11,
        *,
        variant: int = 103,
        rng: Generator | None = None,
    ) -> Tiramisu:
        """Build a published network: 9,322,091 parameters, or those of variant 56 or 67."""
        return cls(in_channels, num_classes, variant=variant, rng=rng)

    @classmethod
    def mini(
        cls, in_channels: int = 1, num_classes: int = 2, *, rng: Generator | None = None
    ) -> Tiramisu:
        """Build a network that trains on a laptop's CPU: three poolings, growth rate 8."""
        return cls(
            in_channels,
            num_classes,
            growth_rate=8,
            layers=(1, 2, 3, 4, 3, 2, 1),
            first_channels=16,
            dropout=0.0,
            any_size=True,
            rng=rng,
        )

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
            If x does not have the form or the channels, or is smaller than 2^poolings without
            `any_size`, or if batch norm finds a single value per channel to take statistics of.
        """
        self._check(x)
        size, least = x.shape[2:], 2**self.poolings
        x = pad_or_crop(x, tuple(max(s, least) for s in size))
        self.remember(size, x.shape[2:])
        x = self.first(x)
        skips = []
        for block, transition in zip(self.down, self.transition_down, strict=True):
            x = block(x)  # (N, C + k·L, H, W): all of the stack
            skips.append(x)
            x = transition(x)
        x = self.lowest(x)  # (N, k·L, H, W): only the new maps, as from all blocks up but the last
        for transition, block in zip(self.transition_up, self.up, strict=True):
            skip, x = skips.pop(), transition(x)
            self.remember(x.shape)
            # h became 2h + 1, and was pooled from 2h or 2h + 1: the last row may be one too many
            x = pad_or_crop(x, skip.shape[2:])
            x = block(array_namespace(x).concatenate([x, skip], axis=1))
        return pad_or_crop(self.head(x), size)

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the image, adding to those of the parameters.

        Parameters
        ----------
        dy : (N, K, H, W) array
            Gradient of the loss with respect to the logits.

        Returns
        -------
        (N, C, H, W) array
        """
        shapes = [self.recall()[0] for _ in self.up]  # the last remembered comes first
        size, inner_size = self.recall()
        dx = self.head.backward(pad_or_crop(dy, inner_size))
        dskips = []
        for transition, block, shape in zip(
            reversed(self.transition_up), reversed(self.up), shapes, strict=True
        ):
            dboth = block.backward(dx)
            channels = shape[1]  # the concatenation's first channels came from below
            dskips.append(dboth[:, channels:])
            dx = transition.backward(pad_or_crop(dboth[:, :channels], shape[2:]))
        dx = self.lowest.backward(dx)
        for block, transition in zip(
            reversed(self.down), reversed(self.transition_down), strict=True
        ):
            # the skip and the transition read the same stack: their gradients add
            dx = block.backward(transition.backward(dx) + dskips.pop())
        return pad_or_crop(self.first.backward(dx), size)

    def _check(self, x: Any) -> None:
        check_image("Tiramisu", x, self.in_channels, axes=2)
        least = 2**self.poolings
        for side in x.shape[2:]:
            if side < least and not self.any_size:
                raise ValueError(
                    f"Tiramisu: an image's side of {side} is too small for {self.poolings} "
                    f"poolings; nearest: {nearest_sizes(side, lambda s: s >= least, limit=least)}"
                )


class _DenseBlock(Module):
    """Layers that each read all maps before them, and add k to the stack.

    The stack is one array that is filled from the front, so that nothing is copied twice.
    """

    def __init__(self, layers: list[Module], inputs: int, growth: int, whole: bool) -> None:
        super().__init__()
        self.layers, self.inputs, self.growth, self.whole = layers, inputs, growth, whole

    def forward(self, x: Any) -> Any:
        """Return the whole stack, or without `whole` only the maps that are new."""
        stack = self._stack(x, array_namespace(x).empty)
        stack[:, : self.inputs] = x
        for layer, made in zip(self.layers, self._made(), strict=True):
            stack[:, made : made + self.growth] = layer(stack[:, :made])
        return stack if self.whole else stack[:, self.inputs :]

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the block's input.

        When a layer's turn comes, all that read its maps have added to their gradient.
        """
        dstack = self._stack(dy, array_namespace(dy).zeros)
        dstack[:, -dy.shape[1] :] = dy  # the maps not returned were read by the layers only
        for layer, made in zip(reversed(self.layers), reversed(self._made()), strict=True):
            dstack[:, :made] += layer.backward(dstack[:, made : made + self.growth])
        return dstack[:, : self.inputs]

    def _made(self) -> range:
        """How many maps there are when each layer's turn comes."""
        return range(self.inputs, self.inputs + self.growth * len(self.layers), self.growth)

    def _stack(self, x: Any, create: Any) -> Any:
        n, _, *size = x.shape
        return create((n, self.inputs + self.growth * len(self.layers), *size), x.dtype)


class _BatchStatisticsNorm(nn.BatchNorm):
    """Batch norm that takes the batch's statistics in evaluation too."""

    def forward(self, x: Any) -> Any:
        if self.training:
            return super().forward(x)
        y, *_ = ops.batch_norm(
            x,
            self.weight.data,
            self.bias.data,
            self.running_mean,
            self.running_var,
            training=True,
            eps=self.eps,
        )
        return y
