"""Feature pyramid (Lin et al. 2017): what coarse maps know, brought to where fine maps look.

        C5 ──► 1×1 ────────────► M5 ──► 3×3 ──► P5 ──► every second value ──► P6
                                 │ nearest, to C4's size
        C4 ──► 1×1 ────────► + = M4 ──► 3×3 ──► P4
                                 │
        C3 ──► 1×1 ────────► + = M3 ──► 3×3 ──► P3
                                 │
        C2 ──► 1×1 ────────► + = M2 ──► 3×3 ──► P2

Every P has the same number of channels, so one head reads all of them. P6 is only for the largest
anchors (section 4.1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from ... import nn, ops
from ...nn import Module, he_uniform


class FeaturePyramid(Module):
    """Make a pyramid of maps with the same channels from a body's maps.

    Parameters
    ----------
    channels : sequence of int
        Of the body's maps, the finest first.
    out_channels : int
        Of every map of the pyramid.
    rng : numpy.random.Generator, optional
        Draws the weights, U(−√(3 / fan-in), √(3 / fan-in)) as torchvision's; by default seeded 0.

    Raises
    ------
    ValueError
        If there are no maps, or a number of channels isn't positive.

    Examples
    --------
    >>> pyramid = FeaturePyramid([4, 8], 6)
    >>> maps = pyramid([np.zeros((1, 4, 7, 5), np.float32), np.zeros((1, 8, 4, 3), np.float32)])
    >>> [p.shape for p in maps]
    [(1, 6, 7, 5), (1, 6, 4, 3), (1, 6, 2, 2)]
    """

    def __init__(
        self, channels: Sequence[int], out_channels: int = 256, *, rng: Generator | None = None
    ) -> None:
        super().__init__()
        if not channels or min(*channels, out_channels) < 1:
            raise ValueError(
                "FeaturePyramid: channels and out_channels must be positive, got "
                f"{list(channels)} and {out_channels}"
            )
        rng = np.random.default_rng(0) if rng is None else rng
        self.channels, self.out_channels = tuple(channels), out_channels
        self.inner_blocks = [_conv(c, out_channels, 1, rng) for c in channels]
        self.layer_blocks = [_conv(out_channels, out_channels, 3, rng) for _ in channels]
        self.pool = nn.MaxPool(1, stride=2)

    def forward(self, x: Sequence[Any]) -> list[Any]:
        """Return the pyramid, the finest map first: P2 to P5, and P6 pooled from P5.

        Parameters
        ----------
        x : list of (N, channels[i], H_i, W_i) arrays
            The body's maps, C2 to C5.

        Raises
        ------
        ValueError
            If the number of maps or their channels are others.
        """
        self._check(x)
        laterals = [inner(c) for inner, c in zip(self.inner_blocks, x, strict=True)]
        self.remember([lateral.shape for lateral in laterals])
        merged = laterals[-1]
        maps = [self.layer_blocks[-1](merged)]
        for lateral, layer in zip(
            reversed(laterals[:-1]), reversed(self.layer_blocks[:-1]), strict=True
        ):
            merged = lateral + ops.interpolate(merged, lateral.shape[2:], mode="nearest")
            maps.insert(0, layer(merged))
        return [*maps, self.pool(maps[-1])]

    def backward(self, dy: Sequence[Any]) -> list[Any]:
        """Return the gradients of the body's maps, adding to those of the parameters.

        Parameters
        ----------
        dy : list of arrays
            Gradients of P2 to P6.
        """
        (shapes,) = self.recall()
        *dmaps, dpooled = dy
        dmaps[-1] = dmaps[-1] + self.pool.backward(dpooled)
        dx, coarser = [], 0
        for i, (layer, inner) in enumerate(
            zip(self.layer_blocks, self.inner_blocks, strict=True)
        ):  # from the finest, which forward made last
            # a merged map is read by its own 3×3, and by the finer map below it
            dmerged = layer.backward(dmaps[i]) + coarser
            if i + 1 < len(shapes):
                coarser = ops.interpolate_backward(dmerged, shapes[i + 1], mode="nearest")
            dx.append(inner.backward(dmerged))
        return dx

    def _check(self, x: Sequence[Any]) -> None:
        if len(x) != len(self.channels):
            raise ValueError(f"FeaturePyramid: x must be {len(self.channels)} maps, got {len(x)}")
        for i, (c, channels) in enumerate(zip(x, self.channels, strict=True)):
            if c.ndim != 4 or c.shape[1] != channels:
                raise ValueError(
                    f"FeaturePyramid: map {i} must have shape (N, {channels}, H, W), got "
                    f"{tuple(c.shape)}"
                )


def _conv(inputs: int, outputs: int, size: int, rng: Generator) -> Module:
    """Make a convolution, in the container that gives it torchvision's name."""
    conv = nn.Conv2d(inputs, outputs, size, padding=size // 2, rng=rng)
    # variance 1 / fan-in, half of He's: no ReLU follows
    conv.weight.data[...] = he_uniform(rng, conv.weight.data.shape) / math.sqrt(2)
    return nn.Sequential(conv)
