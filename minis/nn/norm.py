"""Layers that normalise."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .module import Module, Parameter


class BatchNorm(Module):
    """Normalise each channel over the batch, then scale and shift it: see `minis.ops.batch_norm`.

    Parameters
    ----------
    channels : int
    momentum : float
        Weight of the batch in the running statistics.
    eps : float
        Added to the variance.

    Attributes
    ----------
    weight, bias : Parameter
        gamma and beta, (C,).
    running_mean, running_var : (C,) arrays
        What `eval()` normalises with. Buffers.

    Examples
    --------
    >>> y = BatchNorm(1)(np.array([[[1.0, 3.0]]], np.float32))
    >>> y.round(3)
    array([[[-1.,  1.]]], dtype=float32)
    """

    running_mean: Any
    running_var: Any

    def __init__(self, channels: int, *, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.momentum, self.eps = momentum, eps
        self.weight = Parameter(np.ones(channels, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))
        self.register_buffer("running_mean", np.zeros(channels, np.float32))
        self.register_buffer("running_var", np.ones(channels, np.float32))

    def forward(self, x: Any) -> Any:
        y, mean, inv_std, self.running_mean, self.running_var = ops.batch_norm(
            x,
            self.weight.data,
            self.bias.data,
            self.running_mean,
            self.running_var,
            training=self.training,
            momentum=self.momentum,
            eps=self.eps,
        )
        self.remember(x, mean, inv_std)
        return y

    def backward(self, dy: Any) -> Any:
        x, mean, inv_std = self.recall()
        dx, dgamma, dbeta = ops.batch_norm_backward(
            dy, x, self.weight.data, mean, inv_std, training=True
        )
        self.weight.add_gradient(dgamma)
        self.bias.add_gradient(dbeta)
        return dx

    def describe(self) -> str:
        return f"{len(self.weight.data)}"


class LocalResponseNorm(Module):
    """Divide by the energy of neighbouring channels: see `minis.ops.local_response_norm`.

    Examples
    --------
    >>> LocalResponseNorm(1, alpha=0.0)(np.array([[[2.0]]]))
    array([[[2.]]])
    """

    def __init__(
        self, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
    ) -> None:
        super().__init__()
        self.size = size
        self.options = {"alpha": alpha, "beta": beta, "k": k}

    def forward(self, x: Any) -> Any:
        self.remember(x)
        return ops.local_response_norm(x, self.size, **self.options)

    def backward(self, dy: Any) -> Any:
        (x,) = self.recall()
        return ops.local_response_norm_backward(dy, x, self.size, **self.options)
