"""The head of the region proposal network (Ren et al. 2015, section 3.1).

                       ┌─► 1×1 ─► A logits      object or background, for each anchor
    map ─► 3×3 ─► ReLU ┤
                       └─► 1×1 ─► 4·A deltas    from the anchor to the object's box

It sees 3×3 cells of one map. The same weights look at every level of the pyramid.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from ... import nn
from ...nn import Module


class RPNHead(Module):
    """The convolutions that look at one map; called once for each level.

    Parameters
    ----------
    channels : int
        Of each map.
    anchors : int
        Anchors at each cell.
    rng : numpy.random.Generator
        Draws the weights, from N(0, 0.01²) as in the paper. Biases start at zero.

    Examples
    --------
    >>> head = RPNHead(8, 3, rng=np.random.default_rng(0))
    >>> logits, deltas = head(np.zeros((1, 8, 4, 5), np.float32))
    >>> logits.shape, deltas.shape
    ((1, 3, 4, 5), (1, 12, 4, 5))
    """

    def __init__(self, channels: int, anchors: int, *, rng: Generator) -> None:
        super().__init__()
        conv = nn.Conv2d(channels, channels, 3, padding=1, rng=rng)
        self.conv = nn.Sequential(nn.Sequential(conv, nn.ReLU()))
        self.cls_logits = nn.Conv2d(channels, anchors, 1, rng=rng)
        self.bbox_pred = nn.Conv2d(channels, 4 * anchors, 1, rng=rng)
        for layer in (conv, self.cls_logits, self.bbox_pred):
            shape = layer.weight.data.shape
            layer.weight.data[...] = 0.01 * rng.standard_normal(shape, dtype=np.float32)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """Map (N, C, H, W) to logits (N, A, H, W) and deltas (N, 4·A, H, W)."""
        hidden = self.conv(x)
        return self.cls_logits(hidden), self.bbox_pred(hidden)

    def backward(self, dy: tuple[Any, Any]) -> Any:
        """Take the gradients of logits and deltas; return the map's, of the latest call."""
        dlogits, ddeltas = dy
        return self.conv.backward(
            self.cls_logits.backward(dlogits) + self.bbox_pred.backward(ddeltas)
        )
