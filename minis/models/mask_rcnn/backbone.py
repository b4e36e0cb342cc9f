"""A body and its feature pyramid, and which of their parameters are to be trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...nn import Module, Parameter
from .fpn import FeaturePyramid
from .resnet import ResNet

LAYERS = ("layer4", "layer3", "layer2", "layer1", "conv1")  # the last is the first to be frozen


class Backbone(Module):
    """Map an image to its feature pyramid.

    Parameters
    ----------
    body : ResNet
    fpn : FeaturePyramid
        Of the body's channels.
    trainable_layers : int
        How many of the body's five layers (`LAYERS`) are to be trained, counted from the last: 3
        when fine-tuning ImageNet's weights, as in torchvision, 5 when starting from scratch.

    Raises
    ------
    ValueError
        If the pyramid isn't of the body's channels, or there are no so many layers.

    Notes
    -----
    A frozen layer's filters are parameters: they count, they are saved, and `backward` computes
    their gradients. Only an optimiser that is given `trainable()` in place of `named_parameters()`
    leaves them alone. (With `norm="batch"`, running statistics move in frozen layers too, as in
    torchvision.)

    Examples
    --------
    >>> import numpy as np
    >>> body = ResNet(18, width=4, norm="group")
    >>> backbone = Backbone(body, FeaturePyramid(body.channels, 8), trainable_layers=0)
    >>> [p.shape for p in backbone(np.zeros((1, 3, 64, 64), np.float32))]
    [(1, 8, 16, 16), (1, 8, 8, 8), (1, 8, 4, 4), (1, 8, 2, 2), (1, 8, 1, 1)]
    >>> {name.partition(".")[0] for name, _ in backbone.trainable()}
    {'fpn'}
    """

    def __init__(self, body: ResNet, fpn: FeaturePyramid, *, trainable_layers: int = 3) -> None:
        super().__init__()
        if fpn.channels != body.channels:
            raise ValueError(
                f"Backbone: the pyramid is of {fpn.channels} channels, the body's maps have "
                f"{body.channels}"
            )
        if not 0 <= trainable_layers <= len(LAYERS):
            raise ValueError(
                f"Backbone: trainable_layers must be in 0 … {len(LAYERS)}, got {trainable_layers}"
            )
        self.body, self.fpn, self.trainable_layers = body, fpn, trainable_layers

    def forward(self, x: Any) -> list[Any]:
        """Return P2 to P6 of images (N, C, H, W)."""
        return self.fpn(self.body(x))  # type: ignore[no-any-return]

    def backward(self, dy: Sequence[Any]) -> Any:
        """Take the gradients of P2 to P6; return the image's, adding to those of the parameters."""
        return self.body.backward(self.fpn.backward(dy))

    def trainable(self) -> Iterator[tuple[str, Parameter]]:
        """Yield the name and the `Parameter` of everything that an optimiser should change."""
        layers = LAYERS[: self.trainable_layers]
        # the first norm, if it learns, is frozen unless nothing is
        names = (*layers, "bn1") if len(layers) == len(LAYERS) else layers
        for name, parameter in self.named_parameters():
            part, layer, *_ = name.split(".")
            if part != "body" or layer in names:
                yield name, parameter
