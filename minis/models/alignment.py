"""Where the cells of a map lie in the image.

A convolution or a pool of kernel k, stride s and padding p centres its first window at
(k − 1)/2 − p and the next ones s further on, in the cells of its input. A transposed convolution
goes the other way. Followed through a network, this says which cells of two maps look at the same
pixels, so how a skip must be cropped before it is added.
"""

from __future__ import annotations

from typing import NamedTuple

from .. import nn
from ..nn import Module
from .bilinear import BilinearUpsample


class Axis(NamedTuple):
    """One axis of a map.

    Attributes
    ----------
    cells : int
        How many there are; 0 where nothing fits.
    first : float
        Pixel that the first cell is centred on.
    step : float
        Pixels from one cell to the next.

    Examples
    --------
    >>> image = Axis(cells=8)
    >>> halved = image.windows(2, 2)
    >>> halved
    Axis(cells=4, first=0.5, step=2)
    >>> halved.stamps(4, 2).offset_in(image)  # one more pixel than the image at either end
    -1
    """

    cells: int
    first: float = 0
    step: float = 1

    def windows(self, kernel: int, stride: int, padding: int = 0, ceil_mode: bool = False) -> Axis:
        """Return the axis after a convolution or a pool."""
        room = self.cells + 2 * padding - kernel
        steps = -(-room // stride) if ceil_mode else room // stride
        shift = (kernel - 1) / 2 - padding
        return Axis(max(0, steps + 1), self.first + shift * self.step, self.step * stride)

    def stamps(self, kernel: int, stride: int) -> Axis:
        """Return the axis after a transposed convolution without padding."""
        step = self.step / stride
        count = (self.cells - 1) * stride + kernel if self.cells else 0
        return Axis(count, self.first - (kernel - 1) / 2 * step, step)

    def through(self, layer: Module) -> Axis:
        """Return the axis after a layer; those that act on each cell alone don't change it."""
        match layer:
            case nn.Sequential():
                axis = self
                for inner in layer.layers:
                    axis = axis.through(inner)
                return axis
            case nn.Conv2d():
                kernel = layer.weight.data.shape[-1]
                return self.windows(kernel, layer.options["stride"], layer.options["padding"])
            case nn.MaxPool(size=int(size)):
                stride = layer.options["stride"] or size
                return self.windows(size, stride, ceil_mode=layer.options["ceil_mode"])
            case BilinearUpsample():
                return self.stamps(layer.weight.shape[-1], layer.stride)
        return self

    def offset_in(self, other: Axis) -> int:
        """Return the cell of `other`, an axis of the same step, that this axis begins at.

        Examples
        --------
        >>> Axis(cells=2, first=7.5, step=8).offset_in(Axis(cells=9, first=-0.5, step=8))
        1
        """
        return round((self.first - other.first) / self.step)

    def overlap(self, other: Axis) -> Axis:
        """Return what this axis and `other`, of the same step, both cover.

        Examples
        --------
        >>> Axis(cells=4).overlap(Axis(cells=9, first=-2))
        Axis(cells=4, first=0, step=1)
        """
        offset = self.offset_in(other)
        count = min(self.cells - max(0, -offset), other.cells - max(0, offset))
        return Axis(max(0, count), max(self.first, other.first), self.step)
