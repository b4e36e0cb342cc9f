"""Bilinear upsampling as a transposed convolution that is not learned.

A transposed convolution of stride s stamps its filter, scaled by each value, every s pixels. With
a tent of width 2s as the filter, each pixel between the stamps gets the two (in 2-D four) nearest
values, weighted by how near they are: bilinear interpolation.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..nn import Module


def bilinear_kernel(size: int) -> Any:
    """Return the tent that interpolates bilinearly.

        w[y, x] = (1 − |y − c| / f) · (1 − |x − c| / f)        f = ⌊(size + 1) / 2⌋

    with the centre c = f − 1 where the size is odd, else f − 1/2.

    Parameters
    ----------
    size : int
        Length of both sides: 2s, or 2s − 1, to upsample by s.

    Returns
    -------
    (size, size) float64 array

    Raises
    ------
    ValueError
        If `size` is below 1.

    Notes
    -----
    The filler of Long, Shelhamer & Darrell 2015 (section 3.3), as in their code.

    Examples
    --------
    >>> bilinear_kernel(3)
    array([[0.25, 0.5 , 0.25],
           [0.5 , 1.  , 0.5 ],
           [0.25, 0.5 , 0.25]])
    >>> bilinear_kernel(4)[0] / bilinear_kernel(4)[0, 0]
    array([1., 3., 3., 1.])
    """
    if size < 1:
        raise ValueError(f"bilinear_kernel: size must be positive, got {size}")
    f = (size + 1) // 2
    c = f - 1 if size % 2 else f - 0.5
    tent = 1 - np.abs(np.arange(size) - c) / f
    return tent[:, None] * tent


class BilinearUpsample(Module):
    """Upsample each channel by a fixed factor.

    Parameters
    ----------
    channels : int
    kernel_size : int
        Side of the tent.
    stride : int
        The factor.

    Attributes
    ----------
    weight : (C, C, k, k) array
        A tent from each channel to itself, and zero between channels. A buffer: it is saved, as
        in the paper's code, but not learned, so that it has no gradient.

    Examples
    --------
    >>> BilinearUpsample(1, 4, 2)(np.ones((1, 1, 2, 2), np.float32))[0, 0, 2]
    array([0.25, 0.75, 1.  , 1.  , 0.75, 0.25], dtype=float32)
    """

    weight: Any

    def __init__(self, channels: int, kernel_size: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        w = np.zeros((channels, channels, kernel_size, kernel_size), np.float32)
        w[np.arange(channels), np.arange(channels)] = bilinear_kernel(kernel_size)
        self.register_buffer("weight", w)

    def forward(self, x: Any) -> Any:
        """Upsample (N, C, H, W) to (N, C, (H − 1)·stride + k, (W − 1)·stride + k)."""
        return ops.conv_transpose(x, self.weight, stride=self.stride)

    def backward(self, dy: Any) -> Any:
        """Return the gradient with respect to x: the convolution that forward is the adjoint of."""
        return ops.conv(dy, self.weight, stride=self.stride)

    def describe(self) -> str:
        """Return what `repr` shows."""
        return f"weight {self.weight.shape}, stride={self.stride}"
