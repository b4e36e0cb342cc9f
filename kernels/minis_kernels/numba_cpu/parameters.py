"""What the steps of all optimisers share: how they reach a parameter and what is remembered of it.

The NumPy text goes over memory for every term of an optimiser's formula. The kernels take a piece
(see `pieces`) through all of them while it is in L1, in the text's order and with its roundings:
both give the same bits.

The kernels write in place, to the parameter and to what its optimiser remembers; that is what the
functions of `minis.training` that they stand for do. Arrays that don't lie in one piece, or can't
be written to, are declined, and small ones, where the NumPy text is as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import servable
from .jit import jit
from .pieces import flat

SMALL = 4096  # numbers


def served(data: Any, grad: Any, *memory: Any) -> list[Any] | None:
    """View all as arrays of one axis, an empty one for None; or None if they aren't served."""
    if not isinstance(data, np.ndarray) or data.size < SMALL:
        return None
    written = [data, *(a for a in memory if a is not None)]
    if not servable(grad, *written) or any(a.shape != grad.shape for a in written):
        return None
    if not all(a.flags.c_contiguous and a.flags.writeable for a in written):
        return None
    none = np.empty(0, grad.dtype)
    return [
        data.reshape(-1),
        flat(grad),
        *(none if a is None else a.reshape(-1) for a in memory),
    ]


@jit()
def decayed(data: Any, grad: Any, decay: Any, g: Any) -> None:
    """Set g = grad + decay · data."""
    if decay != 0:
        for i in range(len(g)):
            g[i] = grad[i] + decay * data[i]
    else:
        for i in range(len(g)):
            g[i] = grad[i]
