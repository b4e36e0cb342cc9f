"""Dropout as a layer, which owns its random generator."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from .. import ops
from .module import Module


class Dropout(Module):
    """In training, zero values at random and scale up the others: see `minis.ops.dropout`.

    Parameters
    ----------
    p : float
        Probability of being zeroed.
    per_channel : bool
        Whether to zero whole channels.
    rng : numpy.random.Generator
        Draws the masks. The layer draws a generator of its own from it, so that layers don't
        disturb each other; a checkpoint saves its state.

    Raises
    ------
    ValueError
        If p is not in 0 … 1.

    Notes
    -----
    The masks are those of the generator wherever the layer is: on the GPU, each is drawn on the CPU
    and copied, a byte for each number. So a run draws the same masks on both, and a checkpoint of
    the one goes on on the other.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Dropout(0.5, rng=np.random.default_rng(1))
    >>> sorted(set(layer(np.ones(100)).tolist()))
    [0.0, 2.0]
    >>> set(layer.eval()(np.ones(100)).tolist())
    {1.0}
    """

    def __init__(self, p: float = 0.5, *, per_channel: bool = False, rng: Generator) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p must be in 0 … 1, got {p}")
        self.p, self.per_channel = p, per_channel
        self.rng = rng.spawn(1)[0]

    def forward(self, x: Any) -> Any:
        if not self.training:
            return x
        y, mask = ops.dropout(x, self.p, self.rng, per_channel=self.per_channel)
        self.remember(mask)
        return y

    def backward(self, dy: Any) -> Any:
        (mask,) = self.recall()
        return ops.dropout_backward(dy, mask)

    def describe(self) -> str:
        return f"{self.p}"
