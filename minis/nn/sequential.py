"""Modules in a row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .module import Module


class Sequential(Module):
    """Call modules one after the other; backward goes through them in reverse.

    Parameters
    ----------
    *layers : Module
        Named "0", "1", … in the state dict.

    Examples
    --------
    >>> import numpy as np
    >>> from minis.nn import ReLU, Sequential, Upsample
    >>> Sequential(ReLU(), Upsample(2))(np.array([[[-1.0, 2.0]]]))
    array([[[0., 0., 2., 2.]]])
    """

    def __init__(self, *layers: Module) -> None:
        super().__init__()
        self.layers = list(layers)

    def children(self) -> Iterator[tuple[str, Module]]:
        for i, layer in enumerate(self.layers):
            yield str(i), layer

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def backward(self, dy: Any) -> Any:
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        return dy

    def __getitem__(self, i: int) -> Module:
        return self.layers[i]

    def __len__(self) -> int:
        return len(self.layers)
