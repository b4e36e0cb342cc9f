"""The Numba kernels for a 3×3 convolution padded by 1, each by name rather than by choice.

`minis.ops.conv` chooses between them by the shapes.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def direct(x: Any, w: Any) -> Any:
    """Sum tap by tap, in register tiles."""
    from minis_kernels.geometry import conv_geometry
    from minis_kernels.numba_cpu import direct

    g = conv_geometry(x.shape[2:], w.shape[2:], 1, 1, 1)
    assert g is not None
    return direct.convolve(x[:, :, None], w[:, :, None], _no_bias(w), g, 1)[:, :, 0]


def winograd(x: Any, w: Any) -> Any:
    """Transform tiles, multiply, transform back: a quarter of the multiplications."""
    from minis_kernels.numba_cpu import winograd

    y = winograd.convolve(x[:, :, None], w[:, :, None], _no_bias(w), (0, 1, 1), False)
    return y[:, :, 0]


def _no_bias(w: Any) -> Any:
    return np.zeros(len(w), w.dtype)
