"""Group normalisation as a layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .module import Module, Parameter


class GroupNorm(Module):
    """Normalise groups of each sample's channels, then scale and shift: see `minis.ops.group_norm`.

    Parameters
    ----------
    groups : int
        Number of groups; it divides the channels.
    channels : int
    eps : float
        Added to the variance.

    Attributes
    ----------
    weight, bias : Parameter
        gamma and beta, (C,).

    Raises
    ------
    ValueError
        If `groups` doesn't divide `channels`.

    Examples
    --------
    >>> y = GroupNorm(1, 2)(np.array([[[1.0], [3.0]]], np.float32))
    >>> y.round(3).ravel()
    array([-1.,  1.], dtype=float32)
    """

    def __init__(self, groups: int, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        if min(groups, channels) < 1 or channels % groups:
            raise ValueError(
                f"GroupNorm: groups must divide the channels, got {groups} groups of {channels}"
            )
        self.groups, self.eps = groups, eps
        self.weight = Parameter(np.ones(channels, np.float32))
        self.bias = Parameter(np.zeros(channels, np.float32))

    def forward(self, x: Any) -> Any:
        y, mean, inv_std = ops.group_norm(
            x, self.weight.data, self.bias.data, self.groups, eps=self.eps
        )
        self.remember(x, mean, inv_std)
        return y

    def backward(self, dy: Any) -> Any:
        x, mean, inv_std = self.recall()
        dx, dgamma, dbeta = ops.group_norm_backward(
            dy, x, self.weight.data, mean, inv_std, self.groups
        )
        self.weight.add_gradient(dgamma)
        self.bias.add_gradient(dbeta)
        return dx

    def describe(self) -> str:
        return f"{self.groups}, {len(self.weight.data)}"
