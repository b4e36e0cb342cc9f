"""Convolution and its gradients: which kernel serves them.

                              forward        dx               dw                    db
    groups of many channels   `conv_tiled`   `conv_tiled`     `conv_tiled_weights`  `conv_gradients`
    groups of few             `conv_naive`   `conv_gradients` `conv_gradients`      `conv_gradients`

A tile has as many rows as threads. Where a group has fewer than half as many channels, on either
side, most of a tile would be empty: each thread then works on its own.

A weight that is not finite reaches, in dx, the pixels that the weight's tap reads, as in the text.
"""

from __future__ import annotations

from typing import Any

from ..geometry import Geometry
from . import conv_gradients, conv_naive, conv_tiled, conv_tiled_weights
from .arrays import servable
from .conv_sizes import conv_sizes, with_bias, zero_bias


def conv(
    x: Any,
    w: Any,
    b: Any = None,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolve: `minis.ops.conv`."""
    g = conv_sizes(x, w, stride, padding, dilation, groups)
    return NotImplemented if g is None else with_bias(forward, x, w, b, len(w), g, groups)


def conv_backward(
    dy: Any,
    x: Any,
    w: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Gradients of a convolution: `minis.ops.conv_backward`."""
    g = conv_sizes(x, w, stride, padding, dilation, groups)
    if g is None or not servable(x, dy) or dy.shape != (len(x), len(w), *g.out[5 - x.ndim :]):
        return NotImplemented
    dx = adjoint(dy, w, zero_bias(x.shape[1], x), g, groups).reshape(x.shape)
    dw = weight_gradient(dy, x, g, groups).reshape(w.shape)
    return dx, dw, conv_gradients.bias_gradient(dy)


def forward(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Convolve x with w (O, C/groups, *k), and add b (O,): (N, O, D, H, W)."""
    how = conv_tiled if fills_tiles(len(w), w.shape[1], groups) else conv_naive
    return how.convolve(x, w, b, g, groups)


def adjoint(x: Any, w: Any, b: Any, g: Geometry, groups: int) -> Any:
    """Apply the adjoint of `forward` to x (N, O, *out), and add b (C,): (N, C, D, H, W)."""
    how = conv_tiled if fills_tiles(len(w), w.shape[1], groups) else conv_gradients
    return how.adjoint(x, w, b, g, groups)


def weight_gradient(dy: Any, x: Any, g: Geometry, groups: int) -> Any:
    """Return the gradient of a convolution's filters: (O, C/groups, taps)."""
    tiled = fills_tiles(dy.shape[1], x.shape[1] // groups, groups)
    return (conv_tiled_weights if tiled else conv_gradients).weight_gradient(dy, x, g, groups)


def fills_tiles(outputs: int, inputs: int, groups: int) -> bool:
    """Whether a group's channels fill at least half of a tile's rows, and of its columns."""
    return 2 * min(outputs // groups, inputs) >= conv_tiled.TILE
