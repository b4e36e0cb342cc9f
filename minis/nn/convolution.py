"""Layers that hold filters: convolution and its transpose, in one to three dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from .. import ops
from ..ops.checks import check_ndim, per_axis
from .initial import he_normal
from .module import Module, Parameter

Axes = int | tuple[int, ...]


class _Convolution(Module):
    """What both share: filters, a bias and the options that the operation takes."""

    axes: int

    def __init__(self, w: Any, bias_length: int | None, options: dict[str, Any]) -> None:
        super().__init__()
        self.weight = Parameter(w)
        self.bias = None if bias_length is None else Parameter(np.zeros(bias_length, w.dtype))
        self.options = options

    def _check(self, x: Any) -> None:
        check_ndim(type(self).__name__, self.axes + 2, f"(N, C, {self.axes} spatial axes)", x=x)

    def _add_gradients(self, dw: Any, db: Any) -> None:
        self.weight.add_gradient(dw)
        if self.bias is not None:
            self.bias.add_gradient(db)

    def describe(self) -> str:
        options = ", ".join(f"{k}={v}" for k, v in self.options.items())
        return f"weight {self.weight.data.shape}, bias={self.bias is not None}, {options}"


class _Conv(_Convolution):
    """Convolution with learned filters: see `minis.ops.conv`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Axes,
        *,
        stride: Axes = 1,
        padding: Axes = 0,
        dilation: Axes = 1,
        groups: int = 1,
        bias: bool = True,
        rng: Generator,
    ) -> None:
        name = type(self).__name__
        kernel = per_axis(name, "kernel_size", kernel_size, self.axes, low=1)
        _check_channels(name, in_channels, out_channels, groups)
        super().__init__(
            he_normal(rng, (out_channels, in_channels // groups, *kernel)),
            out_channels if bias else None,
            {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups},
        )

    def forward(self, x: Any) -> Any:
        self._check(x)
        b = None if self.bias is None else self.bias.data
        y = ops.conv(x, self.weight.data, b, **self.options)
        self.remember(x)
        return y

    def backward(self, dy: Any) -> Any:
        (x,) = self.recall()
        dx, dw, db = ops.conv_backward(dy, x, self.weight.data, **self.options)
        self._add_gradients(dw, db)
        return dx


class _ConvTranspose(_Convolution):
    """Transposed convolution with learned filters: see `minis.ops.conv_transpose`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Axes,
        *,
        stride: Axes = 1,
        padding: Axes = 0,
        output_padding: Axes = 0,
        dilation: Axes = 1,
        groups: int = 1,
        bias: bool = True,
        rng: Generator,
    ) -> None:
        name = type(self).__name__
        kernel = per_axis(name, "kernel_size", kernel_size, self.axes, low=1)
        steps = per_axis(name, "stride", stride, self.axes, low=1)
        _check_channels(name, in_channels, out_channels, groups)
        inputs = in_channels // groups * np.prod(kernel) / np.prod(steps)
        super().__init__(
            he_normal(rng, (in_channels, out_channels // groups, *kernel), max(1, int(inputs))),
            out_channels if bias else None,
            {
                "stride": stride,
                "padding": padding,
                "output_padding": output_padding,
                "dilation": dilation,
                "groups": groups,
            },
        )

    def forward(self, x: Any) -> Any:
        self._check(x)
        b = None if self.bias is None else self.bias.data
        y = ops.conv_transpose(x, self.weight.data, b, **self.options)
        self.remember(x)
        return y

    def backward(self, dy: Any) -> Any:
        (x,) = self.recall()
        dx, dw, db = ops.conv_transpose_backward(dy, x, self.weight.data, **self.options)
        self._add_gradients(dw, db)
        return dx


class Conv1d(_Conv):
    """Convolution over (N, C, L), with learned filters.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, dilation : int or tuple of int
    groups : int
    bias : bool
    rng : numpy.random.Generator
        Draws the weights: He et al. 2015, normal. Biases start at zero.

    Examples
    --------
    >>> layer = Conv1d(3, 8, 2, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((1, 3, 4), np.float32)).shape
    (1, 8, 2)
    """

    axes = 1


class Conv2d(_Conv):
    """Convolution over (N, C, H, W); parameters as `Conv1d`.

    Examples
    --------
    >>> layer = Conv2d(3, 8, 2, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((1, 3, 4, 4), np.float32)).shape
    (1, 8, 2, 2)
    """

    axes = 2


class Conv3d(_Conv):
    """Convolution over (N, C, D, H, W); parameters as `Conv1d`.

    Examples
    --------
    >>> layer = Conv3d(3, 8, 2, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((1, 3, 4, 4, 4), np.float32)).shape
    (1, 8, 2, 2, 2)
    """

    axes = 3


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution over (N, C, L), with learned filters.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size, stride, padding, output_padding, dilation : int or tuple of int
    groups : int
    bias : bool
    rng : numpy.random.Generator
        Draws the weights: He et al. 2015, normal, where an output pixel reads in_channels/groups ·
        ∏ kernel/stride inputs. Biases start at zero.

    Examples
    --------
    >>> layer = ConvTranspose1d(3, 8, 2, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((1, 3, 4), np.float32)).shape
    (1, 8, 8)
    """

    axes = 1


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution over (N, C, H, W); parameters as `ConvTranspose1d`.

    Examples
    --------
    >>> layer = ConvTranspose2d(3, 8, 2, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((1, 3, 4, 4), np.float32)).shape
    (1, 8, 8, 8)
    """

    axes = 2


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution over (N, C, D, H, W); parameters as `ConvTranspose1d`.

    Examples
    --------
    >>> layer = ConvTranspose3d(3, 8, 2, stride=2, rng=np.random.default_rng(0))
    >>> layer(np.zeros((1, 3, 4, 4, 4), np.float32)).shape
    (1, 8, 8, 8, 8)
    """

    axes = 3


def _check_channels(name: str, in_channels: int, out_channels: int, groups: int) -> None:
    if min(in_channels, out_channels, groups) < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(
            f"{name}: groups must be positive and divide in_channels and out_channels, got "
            f"in_channels={in_channels}, out_channels={out_channels}, groups={groups}"
        )
