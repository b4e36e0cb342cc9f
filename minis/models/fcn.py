"""FCN (Long, Shelhamer & Darrell 2015): a classification network that labels every pixel.

    image ─► ··· pool3 ─────────► pool4 ─────────► pool5 ─► fc6 ─► fc7
                   │ score          │ score                         │ score
                   ▼                ▼                               ▼
     logits ◄─ ×8  + ◄───── ×2 ──── + ◄──────────── ×2 ─────────────┘

VGG-16 and AlexNet end in fully connected layers. Read as convolutions, these slide over an image
of any size and give class scores 32 pixels apart. FCN-32s upsamples them bilinearly to the image's
size; FCN-16s and FCN-8s first add finer, shallower scores of pool4, and of pool3.

The published network pads the image by 100, so that the 7×7 filters of fc6 fit even on a small
one. Its maps reach beyond the image on all sides, by different amounts: where one is added to
another, and at the end, it is cropped. `alignment.py` works out where.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator

from .. import nn
from ..nn import Module
from .alignment import Axis
from .bilinear import BilinearUpsample
from .encoders import BACKBONES, Encoder, encoder_layers
from .pretrained import from_torchvision
from .sizes import check_image, crop_at, crop_at_backward, nearest_sizes

# the upsamplings by name and factor, and what pool4 and pool3 are multiplied by before scoring
VARIANTS: dict[str, tuple[dict[str, int], tuple[float, float]]] = {
    "32s": ({"upscore": 32}, (1.0, 1.0)),
    "16s": ({"upscore2": 2, "upscore16": 16}, (1.0, 1.0)),
    "8s": ({"upscore2": 2, "upscore_pool4": 2, "upscore8": 8}, (1.0, 1.0)),
    "8s-at-once": ({"upscore2": 2, "upscore_pool4": 2, "upscore8": 8}, (0.01, 0.0001)),
}
SKIPS = ("score_pool4", "score_pool3")


class FCN(Module):
    """FCN for images (N, C, H, W).

    Parameters
    ----------
    in_channels : int
        Channels of the image.
    num_classes : int
        Channels of the result.
    variant : {"32s", "16s", "8s", "8s-at-once"}
        The pixels between the finest scores. The paper trains 8s in stages, from 16s, from 32s;
        "8s-at-once" is trained in one go, for which pool4 and pool3 are scaled down.
    backbone : {"vgg16", "alexnet", "alexnet-torchvision"}
        The encoder. "alexnet" is the published one, in two groups, with local response
        normalisation; "alexnet-torchvision" the one that torchvision has weights of. Both have
        the variant "32s" only.
    width : int, optional
        Channels of the first convolution; those of the others are in proportion. By default as
        published, 64 (AlexNet 96).
    fc_width : int
        Channels of fc6 and fc7.
    fc6_kernel : int, optional
        Side of fc6's filters; by default as published, 7 (AlexNet 6).
    fc6_padding : int
        Padding of fc6; the paper has none.
    padding : int
        Padding of the first convolution.
    dropout : float
        Probability of dropping a value after fc6 and after fc7.
    batch_norm : bool
        Whether each convolution of VGG-16 is followed by batch norm, so that it can be trained
        from scratch. Not in the paper, whose encoders were trained on ImageNet.
    zero_scores : bool
        Whether the score layers begin at zero, as in the paper. From scratch that is slow to start:
        as long as they are zero, nothing below them learns.
    rng : numpy.random.Generator, optional
        Draws the initial weights (He et al. 2015) and the dropout masks; by default seeded 0.

    Raises
    ------
    ValueError
        If there is no such variant or backbone, or a number is out of range.

    Examples
    --------
    >>> model = FCN.mini(in_channels=1, num_classes=2)
    >>> model(np.zeros((1, 1, 37, 50), np.float32)).shape
    (1, 2, 37, 50)
    """

    axes = 2

    def __init__(
        self,
        in_channels: int = 3,
        num_classes: int = 21,
        *,
        variant: str = "8s",
        backbone: str = "vgg16",
        width: int | None = None,
        fc_width: int = 4096,
        fc6_kernel: int | None = None,
        fc6_padding: int = 0,
        padding: int = 100,
        dropout: float = 0.5,
        batch_norm: bool = False,
        zero_scores: bool = True,
        rng: Generator | None = None,
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"FCN: variant must be one of {', '.join(VARIANTS)}, got {variant!r}")
        if backbone not in BACKBONES:
            raise ValueError(
                f"FCN: backbone must be one of {', '.join(BACKBONES)}, got {backbone!r}"
            )
        if backbone != "vgg16" and variant != "32s":
            raise ValueError(
                f"FCN: with backbone={backbone!r} only variant='32s' is published, got {variant!r}"
            )
        published_width, published_kernel = BACKBONES[backbone]
        width = published_width if width is None else width
        fc6_kernel = published_kernel if fc6_kernel is None else fc6_kernel
        _check_numbers(in_channels, num_classes, width, fc_width, fc6_kernel, fc6_padding, padding)
        rng = np.random.default_rng(0) if rng is None else rng
        self.in_channels, self.backbone = in_channels, backbone
        factors, scales = VARIANTS[variant]

        layers = encoder_layers(backbone, in_channels, width, padding, batch_norm, rng)
        self.features = Encoder(layers, taps=len(factors))
        *skip_channels, channels = self.features.channels
        self.classifier = nn.Sequential(
            nn.Conv2d(channels, fc_width, fc6_kernel, padding=fc6_padding, rng=rng),  # fc6
            nn.ReLU(),
            nn.Dropout(dropout, rng=rng),
            nn.Conv2d(fc_width, fc_width, 1, rng=rng),  # fc7
            nn.ReLU(),
            nn.Dropout(dropout, rng=rng),
        )
        self.score_fr = _score_layer(fc_width, num_classes, zero_scores, rng)
        for name, channels in zip(SKIPS, reversed(skip_channels), strict=False):
            setattr(self, name, _score_layer(channels, num_classes, zero_scores, rng))
        for name, factor in factors.items():
            kernel = 2 * factor - (backbone != "vgg16")  # 63, not 64, in the paper's AlexNet
            setattr(self, name, BilinearUpsample(num_classes, kernel, factor))

        # each upsampling but the last, and the skip that is added to it; from coarse to fine
        *middle, self._last = factors
        self.fusions = [
            (getattr(self, up), getattr(self, skip), scale)
            for up, skip, scale in zip(middle, SKIPS, scales, strict=False)
        ]
        self.offsets, result = self._follow(1)
        self.offset = -int(result.first)  # of the image in the last map
        if self.offset < 0:
            raise ValueError(
                f"FCN: with padding={padding} the image's first {-self.offset} rows would have no "
                f"logits; it must be at least {padding - self.offset}"
            )

    @classmethod
    def paper(
        cls,
        in_channels: int = 3,
        num_classes: int = 21,
        *,
        variant: str = "8s",
        backbone: str = "vgg16",
        rng: Generator | None = None,
    ) -> FCN:
        """Build a published network: FCN-8s has 134,362,751 learned parameters for 21 classes.

        It takes images of any size. With `backbone="alexnet-torchvision"`, whose pools round
        down, some sizes leave pixels without logits at the end: an error names the nearest others.
        AlexNet's variant is "32s".
        """
        return cls(in_channels, num_classes, variant=variant, backbone=backbone, rng=rng)

    @classmethod
    def mini(
        cls, in_channels: int = 1, num_classes: int = 2, *, rng: Generator | None = None
    ) -> FCN:
        """Build an FCN-8s that trains on a laptop's CPU: a quarter of VGG-16's channels.

        With batch norm, since it begins without ImageNet's weights, and with fc6 of 3×3 padded by
        1, so that the image needs no border of 100 pixels.
        """
        return cls(
            in_channels,
            num_classes,
            width=16,
            fc_width=128,
            fc6_kernel=3,
            fc6_padding=1,
            padding=1,
            dropout=0.0,
            batch_norm=True,
            zero_scores=False,
            rng=rng,
        )

    @property
    def last(self) -> BilinearUpsample:
        """The upsampling that gives the logits."""
        layer: BilinearUpsample = getattr(self, self._last)
        return layer

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
            If x does not have the form, the channels or a size that fits.
        """
        self._check(x)
        size = x.shape[2:]
        *skips, x = self.features(x)  # pool3, pool4 and pool5, of the image's size / 8, 16, 32
        x = self.score_fr(self.classifier(x))
        for (upsample, score, scale), offset in zip(self.fusions, self.offsets, strict=True):
            up, skip = upsample(x), score(scale * skips.pop())
            self.remember(up.shape[2:], skip.shape[2:])
            # the map that begins earlier is cropped: the skip as published, in mini the other one
            up_at, skip_at = max(0, -offset), max(0, offset)
            both = tuple(
                min(u - up_at, s - skip_at)
                for u, s in zip(up.shape[2:], skip.shape[2:], strict=True)
            )
            x = crop_at(up, up_at, both) + crop_at(skip, skip_at, both)
        x = self.last(x)
        self.remember(x.shape[2:])
        return crop_at(x, self.offset, size)

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
        (size,) = self.recall()
        dx = self.last.backward(crop_at_backward(dy, self.offset, size))
        dmaps = []  # of pool3, pool4, pool5
        for (upsample, score, scale), offset in zip(
            reversed(self.fusions), reversed(self.offsets), strict=True
        ):
            up_size, skip_size = self.recall()
            # a sum hands its gradient to both: to the skip, and on towards fc7
            dskip = crop_at_backward(dx, max(0, offset), skip_size)
            dmaps.append(scale * score.backward(dskip))
            dx = upsample.backward(crop_at_backward(dx, max(0, -offset), up_size))
        dmaps.append(self.classifier.backward(self.score_fr.backward(dx)))
        return self.features.backward(dmaps)

    def load_pretrained(self, state: Mapping[str, Any]) -> FCN:
        """Take over the weights that torchvision's `vgg16` or `alexnet` learned on ImageNet.

        Fully connected layers become convolutions, ImageNet's scores are dropped, and the score
        layers here are left as they are.

        Parameters
        ----------
        state : mapping of str to array
            torchvision's state dict: `torch.load(path, weights_only=True)` of its `.pth` file,
            or `safetensors.numpy.load_file(path)`. "vgg16" takes that of `vgg16` (with
            `batch_norm`, of `vgg16_bn`), "alexnet-torchvision" that of `alexnet`; for "alexnet",
            the published one, torchvision has none.

        Returns
        -------
        FCN
            The network itself.

        Raises
        ------
        ValueError
            If the weights are of another backbone, or listing every name that is missing,
            unexpected or misshapen; then nothing is loaded.

        Notes
        -----
        These weights expect RGB images in 0 … 1, less the mean (0.485, 0.456, 0.406), divided by
        (0.229, 0.224, 0.225).
        """
        own = {
            name: array
            for name, array in self.state_dict().items()
            if name.startswith(("features.", "classifier."))
        }
        for name, array in from_torchvision(state, own, self.backbone).items():
            own[name][...] = array
        return self

    def _follow(self, side: int) -> tuple[list[int], Axis]:
        """Follow a side of the image: the cell of each skip that is added first, and the result."""
        *skips, axis = self.features.follow(Axis(side))
        axis = axis.through(self.classifier)
        offsets = []
        for upsample, _, _ in self.fusions:
            up, skip = axis.through(upsample), skips.pop()
            offsets.append(up.offset_in(skip))
            axis = up.overlap(skip)
        return offsets, axis.through(self.last)

    def _fits(self, side: int) -> bool:
        """Whether the last map covers a side of the image."""
        _, result = self._follow(side)
        return side + self.offset <= result.cells

    def _check(self, x: Any) -> None:
        check_image("FCN", x, self.in_channels, axes=2)
        for side in x.shape[2:]:
            if not self._fits(side):
                raise ValueError(
                    f"FCN: an image's side of {side} doesn't fit; "
                    f"nearest: {nearest_sizes(side, self._fits, limit=1024)}"
                )


def _score_layer(channels: int, num_classes: int, zero: bool, rng: Generator) -> nn.Conv2d:
    layer = nn.Conv2d(channels, num_classes, 1, rng=rng)
    if zero:
        layer.weight.data[...] = 0
    return layer


def _check_numbers(
    in_channels: int, num_classes: int, width: int, fc_width: int, kernel: int, *paddings: int
) -> None:
    positive = in_channels, num_classes, width, fc_width, kernel
    if min(positive) < 1:
        raise ValueError(
            "FCN: in_channels, num_classes, width, fc_width and fc6_kernel must be positive, got "
            f"{', '.join(map(str, positive))}"
        )
    if min(paddings) < 0:
        raise ValueError(
            f"FCN: fc6_padding and padding can't be negative, got {', '.join(map(str, paddings))}"
        )
