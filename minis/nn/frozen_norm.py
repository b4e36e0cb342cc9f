"""Batch normalisation whose numbers are all given: nothing is learned, nothing is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..backend import array_namespace
from .module import Module


class FrozenBatchNorm(Module):
    """Scale and shift each channel by fixed numbers: batch norm in evaluation, even in training.

    A detector's batch of one or two images gives poor statistics. So its body keeps those that it
    learned on ImageNet, and gamma and beta with them (He et al. 2017, "Mask R-CNN", following Ren
    et al. 2015). Until such weights are loaded, it is almost the identity.

    Parameters
    ----------
    channels : int
    eps : float
        Added to the variance: 1e-5 as in batch norm. torchvision's published detectors were
        trained with 0.

    Attributes
    ----------
    weight, bias, running_mean, running_var : (C,) arrays
        Buffers, under the names that `BatchNorm` has for them: the same files load.

    Examples
    --------
    >>> norm = FrozenBatchNorm(1, eps=0.0)
    >>> norm.running_mean[...], norm.running_var[...] = 1, 4
    >>> norm(np.array([[[1.0, 5.0]]], np.float32))
    array([[[0., 2.]]], dtype=float32)
    >>> list(norm.parameters())
    []
    """

    weight: Any
    bias: Any
    running_mean: Any
    running_var: Any

    def __init__(self, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", np.ones(channels, np.float32))
        self.register_buffer("bias", np.zeros(channels, np.float32))
        self.register_buffer("running_mean", np.zeros(channels, np.float32))
        self.register_buffer("running_var", np.ones(channels, np.float32))

    def forward(self, x: Any) -> Any:
        y, *_ = ops.batch_norm(
            x,
            self.weight,
            self.bias,
            self.running_mean,
            self.running_var,
            training=False,
            eps=self.eps,
        )
        self.remember()  # x isn't needed, but backward belongs to one call of forward
        return y

    def backward(self, dy: Any) -> Any:
        self.recall()
        # y = scale · x + shift, so dx = scale · dy: the same map without its shift
        zero = array_namespace(self.bias).zeros_like(self.bias)
        dx, *_ = ops.batch_norm(
            dy, self.weight, zero, zero, self.running_var, training=False, eps=self.eps
        )
        return dx

    def describe(self) -> str:
        return f"{len(self.weight)}"
