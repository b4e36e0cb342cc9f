"""Networks without weights, for those who want to know only their shapes."""

from __future__ import annotations

from typing import Any

from numpy.random import PCG64, Generator

from .planned_array import Planned


class Undrawn(Generator):
    """A random generator whose large draws have only a shape.

    A network that is given one as `rng` takes no time to build and no memory, however many weights
    it has. It can be planned, not run.

    Examples
    --------
    >>> from minis.nn import Conv2d
    >>> Conv2d(4096, 4096, 99, rng=Undrawn()).weight.data
    Planned((4096, 4096, 99, 99), float32)
    """

    def __init__(self, bits: Any = None) -> None:
        super().__init__(PCG64(0) if bits is None else bits)

    def standard_normal(self, size: Any = None, dtype: Any = float, out: Any = None) -> Any:
        """Return the shape of a draw."""
        return Planned(size, dtype, batched=False)

    def normal(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:
        """Return the shape of a draw."""
        return Planned(size, float, batched=False)

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        """Return the shape of a draw."""
        return Planned(size, float, batched=False)
