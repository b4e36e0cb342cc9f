"""The fully connected layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from .. import ops
from .initial import he_normal
from .module import Module, Parameter


class Linear(Module):
    """Multiply by a learned matrix and add a bias: see `minis.ops.linear`.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
    rng : numpy.random.Generator
        Draws the weights: He et al. 2015, normal. Biases start at zero.

    Examples
    --------
    >>> Linear(3, 2, rng=np.random.default_rng(0))(np.zeros((1, 3), np.float32))
    array([[0., 0.]], dtype=float32)
    """

    def __init__(
        self, in_features: int, out_features: int, *, bias: bool = True, rng: Generator
    ) -> None:
        super().__init__()
        self.weight = Parameter(he_normal(rng, (out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features, np.float32)) if bias else None

    def forward(self, x: Any) -> Any:
        b = None if self.bias is None else self.bias.data
        y = ops.linear(x, self.weight.data, b)
        self.remember(x)
        return y

    def backward(self, dy: Any) -> Any:
        (x,) = self.recall()
        dx, dw, db = ops.linear_backward(dy, x, self.weight.data)
        self.weight.add_gradient(dw)
        if self.bias is not None:
            self.bias.add_gradient(db)
        return dx

    def describe(self) -> str:
        return f"weight {self.weight.data.shape}, bias={self.bias is not None}"
