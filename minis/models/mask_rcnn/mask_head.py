"""The mask head: a small fully convolutional network on each box that says which pixels it is.

        (C, 14, 14) ──► 3×3 conv, ReLU, four times ──► transposed conv ×2, ReLU ──► 1×1 ──► K masks

There is a mask for each class, and they don't compete: which class it is, is the box head's to say
(He et al. 2017, section 3 and figure 4, right).
"""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from ... import nn, ops
from ...nn import Module


def mask_head(in_channels: int, width: int = 256, layers: int = 4, *, rng: Generator) -> Module:
    """Build the convolutions, 3×3 with a ReLU each, that keep the size.

    Parameters
    ----------
    in_channels : int
        Channels of the feature pyramid.
    width : int
        Channels of each convolution.
    layers : int
        Number of convolutions.
    rng : numpy.random.Generator
        Draws the weights.

    Examples
    --------
    >>> import numpy as np
    >>> head = mask_head(3, 5, rng=np.random.default_rng(0))
    >>> head(np.ones((6, 3, 14, 14), np.float32)).shape
    (6, 5, 14, 14)
    """
    inputs = [in_channels, *[width] * (layers - 1)]
    return nn.Sequential(
        *(
            nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, rng=rng), nn.ReLU())
            for channels in inputs
        )
    )


class MaskPredictor(Module):
    """Double the size, and predict a mask for each class.

    Parameters
    ----------
    in_channels : int
        Channels that come in.
    width : int
        Channels of the transposed convolution.
    num_classes : int
        K; class 0, the background, has a mask too, which nothing reads.
    rng : numpy.random.Generator
        Draws the weights.

    Examples
    --------
    >>> import numpy as np
    >>> predict = MaskPredictor(5, 5, 3, rng=np.random.default_rng(0))
    >>> predict(np.ones((6, 5, 14, 14), np.float32)).shape
    (6, 3, 28, 28)
    """

    def __init__(self, in_channels: int, width: int, num_classes: int, *, rng: Generator) -> None:
        super().__init__()
        self.conv5_mask = nn.ConvTranspose2d(in_channels, width, 2, stride=2, rng=rng)
        self.mask_fcn_logits = nn.Conv2d(width, num_classes, 1, rng=rng)

    def forward(self, x: Any) -> Any:
        """Map features (R, C, S, S) to logits (R, K, 2·S, 2·S)."""
        y = ops.relu(self.conv5_mask(x))
        self.remember(y)
        return self.mask_fcn_logits(y)

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to the features."""
        (y,) = self.recall()
        return self.conv5_mask.backward(ops.relu_backward(self.mask_fcn_logits.backward(dy), y))
