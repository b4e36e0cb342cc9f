"""V-Net (Milletari, Navab & Ahmadi 2016): a U-Net for volumes, whose stages learn residuals.

        x ──► stage ──────────────── skip ────────────────► concat ──► stage ──► head
                │ reduce                                       ▲ expand
                └──► stage ───────── skip ─────► concat ──► stage
                       │ reduce                    ▲ expand
                       └──────────► stage ─────────┘

A stage is a row of 5³ convolutions with a PReLU after each, and what enters the stage is added to
the last convolution's result before its PReLU. The volume itself has too few channels to be added
to the first stage's: it is repeated along the channel axis, 16 times if it has one. On the way up
a stage adds the whole concatenation. There is no pooling: strided convolutions halve the map and
double the channels, transposed ones undo that, and a PReLU follows each of them too.

Paper and published code differ in the number of convolutions in each stage, and a user has to
choose. The paper's figure 2 shows 1, 2, 3, 3, 3 downwards and 3, 3, 2, 1 upwards; what the authors
trained (faustomilletari/VNet, its prototxt) has 1, 1, 2, 3, 3 and 3, 2, 1, 1.

The much-used mattmacy/vnet.pytorch is another network: it adds batch norm and dropout, keeps an
activation between a stage's last convolution and the addition, and repeats the volume along the
batch axis in place of the channel axis, so that the addition mixes the volumes of a batch.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.random import Generator

from .. import nn
from ..backend import array_namespace
from ..nn import Module
from .sizes import check_image, nearest_sizes, pad_or_crop

# convolutions in each stage, downwards and upwards, in the order in which they are run
SCHEDULES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "code": ((1, 1, 2, 3, 3), (3, 2, 1, 1)),
    "figure": ((1, 2, 3, 3, 3), (3, 3, 2, 1)),
}


class VNet(Module):
    """V-Net for volumes (N, C, D, H, W).

    Parameters
    ----------
    in_channels : int
        Channels of the volume; `width` is a multiple of it.
    num_classes : int
        Channels of the logits.
    schedule : {"code", "figure"}
        How many convolutions each stage has: as in the authors' code, or as in the paper's figure.
        With fewer than 5 levels, the deepest stages are left out.
    width : int
        Channels of the first level; each further level has twice as many.
    levels : int
        Number of levels, 1…5; 5 in the paper.
    activation : {"prelu", "elu"}
        PReLU learns one slope a channel, from 0.25 on.
    batch_norm : bool
        Whether each convolution but the last is followed by batch norm, and has no bias.
    kernel_size : int
        Side of the stages' filters, odd; 5 in the paper.
    any_size : bool
        Whether volumes that don't fit are padded with zeros, and the logits cropped.
    rng : numpy.random.Generator, optional
        Draws the initial weights (He et al. 2015); by default seeded 0.

    Raises
    ------
    ValueError
        If an argument is out of range, or `width` is no multiple of `in_channels`.

    Examples
    --------
    >>> model = VNet.mini(in_channels=1, num_classes=3)
    >>> model(np.zeros((1, 1, 9, 16, 12), np.float32)).shape
    (1, 3, 9, 16, 12)
    """

    axes = 3

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 2,
        *,
        schedule: Literal["code", "figure"] = "code",
        width: int = 16,
        levels: int = 5,
        activation: Literal["prelu", "elu"] = "prelu",
        batch_norm: bool = False,
        kernel_size: int = 5,
        any_size: bool = False,
        rng: Generator | None = None,
    ) -> None:
        super().__init__()
        _check_options(in_channels, num_classes, schedule, width, levels, activation, kernel_size)
        rng = np.random.default_rng(0) if rng is None else rng
        self.in_channels, self.factor, self.any_size = in_channels, 2 ** (levels - 1), any_size
        downwards, upwards = SCHEDULES[schedule]
        upwards = upwards[len(upwards) - (levels - 1) :]
        channels = [width * 2**level for level in range(levels)]
        padding = kernel_size // 2

        def act(channels: int) -> Module:
            return nn.PReLU(channels) if activation == "prelu" else nn.ELU()

        def norm(layer: Module, channels: int) -> list[Module]:
            return [layer, nn.BatchNorm(channels)] if batch_norm else [layer]

        def conv(inputs: int, outputs: int) -> list[Module]:
            layer = nn.Conv3d(
                inputs, outputs, kernel_size, padding=padding, bias=not batch_norm, rng=rng
            )
            return norm(layer, outputs)

        def stage(inputs: int, outputs: int, convs: int) -> Module:
            layers = conv(inputs, outputs)
            for _ in range(convs - 1):
                layers += [act(outputs), *conv(outputs, outputs)]
            return Residual(nn.Sequential(*layers), act(outputs), outputs // inputs)

        def reduce(c: int) -> Module:
            layer = nn.Conv3d(c, 2 * c, 2, stride=2, bias=not batch_norm, rng=rng)
            return nn.Sequential(*norm(layer, 2 * c), act(2 * c))

        def expand(inputs: int, c: int) -> Module:
            layer = nn.ConvTranspose3d(inputs, c, 2, stride=2, bias=not batch_norm, rng=rng)
            return nn.Sequential(*norm(layer, c), act(c))

        self.down = [stage(in_channels, width, downwards[0])]
        self.reduce = [reduce(c) for c in channels[:-1]]
        self.down += [stage(c, c, n) for c, n in zip(channels[1:], downwards[1:], strict=False)]
        self.expand, self.up = [], []
        c = channels[-1]
        for skip, n in zip(reversed(channels[:-1]), upwards, strict=True):
            self.expand.append(expand(c, skip))
            c = 2 * skip  # what came up, and the skip
            self.up.append(stage(c, c, n))
        self.head = nn.Sequential(
            *conv(c, num_classes), act(num_classes), nn.Conv3d(num_classes, num_classes, 1, rng=rng)
        )

    @classmethod
    def paper(
        cls,
        in_channels: int = 1,
        num_classes: int = 2,
        *,
        schedule: Literal["code", "figure"] = "code",
        rng: Generator | None = None,
    ) -> VNet:
        """Build the published network.

        It has 61,982,682 parameters for one channel and two classes as in the authors' code, and
        65,183,258 with the figure's schedule.
        """
        return cls(in_channels, num_classes, schedule=schedule, rng=rng)

    @classmethod
    def mini(
        cls, in_channels: int = 1, num_classes: int = 2, *, rng: Generator | None = None
    ) -> VNet:
        """Build a network that trains on a laptop's CPU: 3³ filters, 8 to 32 channels on 3 levels.

        With batch norm, unlike the paper's: in batches of four crops it learns faster.
        """
        return cls(
            in_channels,
            num_classes,
            width=-(-8 // in_channels) * in_channels,
            levels=3,
            batch_norm=True,
            kernel_size=3,
            any_size=True,
            rng=rng,
        )

    def forward(self, x: Any) -> Any:
        """Map a volume to logits.

        Parameters
        ----------
        x : (N, C, D, H, W) float array
            Volumes. Unless `any_size`, each side is a multiple of 2^(levels − 1), 16 in the paper:
            of an odd side a strided convolution loses the last plane, and the transposed one
            wouldn't give the skip's size back.

        Returns
        -------
        (N, K, D, H, W) array
            Logits of each class.

        Raises
        ------
        ValueError
            If x does not have the form, the channels or a size that fits.
        """
        size = self._check(x)
        if self.any_size:
            # two voxels a side at the deepest level: batch norm can't train on one value
            x = pad_or_crop(x, tuple(max(s + -s % self.factor, 2 * self.factor) for s in size))
        self.remember(size, x.shape[2:])
        skips = []
        for stage, reduce in zip(self.down, self.reduce, strict=False):
            x = stage(x)
            skips.append(x)  # (N, width·2^level, D/2^level, H/2^level, W/2^level)
            x = reduce(x)
        x = self.down[-1](x)
        for expand, stage in zip(self.expand, self.up, strict=True):
            x = array_namespace(x).concatenate([expand(x), skips.pop()], axis=1)
            x = stage(x)
        y = self.head(x)
        return pad_or_crop(y, size) if self.any_size else y

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the volume, adding to those of the parameters.

        Parameters
        ----------
        dy : (N, K, D, H, W) array
            Gradient of the loss with respect to the logits.

        Returns
        -------
        (N, C, D, H, W) array
        """
        size, inner_size = self.recall()
        dx = self.head.backward(pad_or_crop(dy, inner_size) if self.any_size else dy)
        dskips = []
        for expand, stage in zip(reversed(self.expand), reversed(self.up), strict=True):
            dboth = stage.backward(dx)
            half = dboth.shape[1] // 2  # the concatenation's first half came from below
            dskips.append(dboth[:, half:])
            dx = expand.backward(dboth[:, :half])
        dx = self.down[-1].backward(dx)
        for stage, reduce in zip(reversed(self.down[:-1]), reversed(self.reduce), strict=True):
            # the skip and the strided convolution read the same map: their gradients add
            dx = stage.backward(reduce.backward(dx) + dskips.pop())
        return pad_or_crop(dx, size) if self.any_size else dx

    def _check(self, x: Any) -> tuple[int, ...]:
        check_image("VNet", x, self.in_channels, axes=3)
        for side in () if self.any_size else x.shape[2:]:
            if side % self.factor:
                near = nearest_sizes(
                    side, lambda s: s > 0 and s % self.factor == 0, limit=self.factor
                )
                raise ValueError(
                    f"VNet: a volume's side of {side} is no multiple of {self.factor}, and can't "
                    f"be halved {len(self.reduce)} times and doubled back; nearest: {near}"
                )
        size: tuple[int, ...] = x.shape[2:]
        return size


class Residual(Module):
    """act(layers(x) + x), where x's channels are repeated if the layers' result has more.

    Parameters
    ----------
    layers : Module
        They keep the map's size.
    act : Module
        What follows the addition.
    copies : int
        How many times as many channels come out as went in.

    Examples
    --------
    >>> Residual(nn.Sequential(), nn.ReLU(), copies=1)(np.array([[[-1.0, 3.0]]]))
    array([[[0., 6.]]])
    """

    def __init__(self, layers: Module, act: Module, copies: int) -> None:
        super().__init__()
        self.layers, self.act, self.copies = layers, act, copies

    def forward(self, x: Any) -> Any:
        repeated = array_namespace(x).concatenate([x] * self.copies, axis=1)
        return self.act(self.layers(x) + repeated)

    def backward(self, dy: Any) -> Any:
        dsum = self.act.backward(dy)  # of both terms: an addition hands its gradient on to each
        n, channels = dsum.shape[:2]
        copies = dsum.reshape(n, self.copies, channels // self.copies, *dsum.shape[2:])
        return self.layers.backward(dsum) + copies.sum(axis=1)  # copies of one thing: they add


def _check_options(
    in_channels: int,
    num_classes: int,
    schedule: str,
    width: int,
    levels: int,
    activation: str,
    kernel_size: int,
) -> None:
    if min(in_channels, num_classes, width) < 1:
        raise ValueError(
            "VNet: in_channels, num_classes and width must be positive, got "
            f"{in_channels}, {num_classes}, {width}"
        )
    if width % in_channels:
        raise ValueError(
            f"VNet: width={width} is no multiple of in_channels={in_channels}, so that repeating "
            "the volume's channels doesn't fill the first stage's"
        )
    if schedule not in SCHEDULES:
        raise ValueError(f"VNet: schedule={schedule!r}, expected 'code' or 'figure'")
    if levels not in range(1, 6):
        raise ValueError(f"VNet: levels={levels}, expected 1…5")
    if activation not in ("prelu", "elu"):
        raise ValueError(f"VNet: activation={activation!r}, expected 'prelu' or 'elu'")
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(f"VNet: kernel_size={kernel_size}, expected an odd number ≥ 1")
