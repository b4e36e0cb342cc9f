"""A tensor of PyTorch that a network's own text takes for one of its arrays.

What stands between layers (concatenations, crops, additions) then runs in PyTorch, from the same
text, and PyTorch differentiates it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np


class Mirrored:
    """A tensor with the interface of an array, as far as networks use it.

    Writing into a part makes a new tensor: what was read before keeps its values, as PyTorch's
    backward needs it.

    Parameters
    ----------
    tensor : torch.Tensor

    Examples
    --------
    >>> import torch
    >>> x = Mirrored(torch.zeros(2, 3))
    >>> x[:, :1] = 1 + x[:, 1:2]
    >>> (2 * x).tensor.tolist(), x.shape, x.dtype
    ([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]], (2, 3), dtype('float32'))
    """

    def __init__(self, tensor: Any, part_of: tuple[Mirrored, Any] | None = None) -> None:
        self.tensor = tensor
        self._part_of = part_of  # and which part

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(self.tensor.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return int(self.tensor.ndim)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's name of the type of the values."""
        return np.dtype(str(self.tensor.dtype).removeprefix("torch."))

    def __len__(self) -> int:
        return len(self.tensor)

    def __array_namespace__(self) -> Any:
        return SimpleNamespace(concatenate=_concatenate, empty=_zeros, zeros=_zeros, full=_full)

    def __getitem__(self, key: Any) -> Mirrored:
        return Mirrored(self.tensor[key], (self, key))

    def __setitem__(self, key: Any, value: Any) -> None:
        tensor = self.tensor.clone()
        tensor[key] = plain(value)
        self.tensor = tensor
        if self._part_of is not None:  # a view: what is written reaches the whole
            whole, part = self._part_of
            whole[part] = self

    def __add__(self, other: Any) -> Mirrored:
        return Mirrored(self.tensor + plain(other))

    def __mul__(self, other: Any) -> Mirrored:
        return Mirrored(self.tensor * plain(other))

    __radd__, __rmul__ = __add__, __mul__

    def reshape(self, *shape: Any) -> Mirrored:
        """Lay out in another shape."""
        return Mirrored(self.tensor.reshape(*shape))


def plain(value: Any) -> Any:
    """Return the tensor of what is mirrored, anything else as it is.

    Examples
    --------
    >>> plain(3)
    3
    """
    return value.tensor if isinstance(value, Mirrored) else value


def _concatenate(arrays: Any, axis: int = 0) -> Mirrored:
    import torch

    return Mirrored(torch.cat([plain(array) for array in arrays], dim=axis))


def _full(shape: Any, value: float, dtype: Any) -> Mirrored:
    import torch

    return Mirrored(torch.full(shape, value, dtype=getattr(torch, np.dtype(dtype).name)))


def _zeros(shape: Any, dtype: Any) -> Mirrored:
    return _full(shape, 0.0, dtype)
