"""Layers that act on each value, or on the classes of each pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .module import Module, Parameter


class ReLU(Module):
    """Replace negative values by zero: see `minis.ops.relu`.

    Examples
    --------
    >>> ReLU()(np.array([-1.0, 2.0]))
    array([0., 2.])
    """

    def forward(self, x: Any) -> Any:
        y = ops.relu(x)
        self.remember(y)
        return y

    def backward(self, dy: Any) -> Any:
        (y,) = self.recall()
        return ops.relu_backward(dy, y)


class PReLU(Module):
    """Scale negative values by a learned slope: see `minis.ops.prelu`.

    Parameters
    ----------
    channels : int
        Number of slopes: one per channel, or 1 for all.
    init : float
        Their first value.

    Examples
    --------
    >>> PReLU()(np.array([[-4.0, 2.0]], np.float32))
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(self, channels: int = 1, *, init: float = 0.25) -> None:
        super().__init__()
        self.weight = Parameter(np.full(channels, init, np.float32))

    def forward(self, x: Any) -> Any:
        self.remember(x)
        return ops.prelu(x, self.weight.data)

    def backward(self, dy: Any) -> Any:
        (x,) = self.recall()
        dx, da = ops.prelu_backward(dy, x, self.weight.data)
        self.weight.add_gradient(da)
        return dx


class ELU(Module):
    """Replace negative values by alpha·(eˣ − 1): see `minis.ops.elu`.

    Examples
    --------
    >>> ELU()(np.array([-1.0, 2.0])).round(3)
    array([-0.632,  2.   ])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        y = ops.elu(x, self.alpha)
        self.remember(y)
        return y

    def backward(self, dy: Any) -> Any:
        (y,) = self.recall()
        return ops.elu_backward(dy, y, self.alpha)


class Sigmoid(Module):
    """Squash each value into 0 … 1: see `minis.ops.sigmoid`.

    Examples
    --------
    >>> Sigmoid()(np.array([0.0]))
    array([0.5])
    """

    def forward(self, x: Any) -> Any:
        y = ops.sigmoid(x)
        self.remember(y)
        return y

    def backward(self, dy: Any) -> Any:
        (y,) = self.recall()
        return ops.sigmoid_backward(dy, y)


class Softmax(Module):
    """Turn scores into probabilities along an axis: see `minis.ops.softmax`.

    Examples
    --------
    >>> Softmax()(np.array([[3.0, 3.0]]))
    array([[0.5, 0.5]])
    """

    def __init__(self, axis: int = 1) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, x: Any) -> Any:
        y = ops.softmax(x, self.axis)
        self.remember(y)
        return y

    def backward(self, dy: Any) -> Any:
        (y,) = self.recall()
        return ops.softmax_backward(dy, y, self.axis)
