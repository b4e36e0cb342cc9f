"""What the steps of all optimisers share: how they reach a parameter and what is remembered of it.

The kernels write in place, to the parameter and to what its optimiser remembers; that is what the
functions of `minis.training` that they stand for do. Arrays that don't lie in one piece, or can't
be written to, are declined.
"""

from __future__ import annotations

from typing import Any

from .arrays import contiguous, servable
from .grid import THREADS, blocks_for
from .packs import packs
from .program import Program

PROGRAM = Program("optimiser.cu")


def served(data: Any, grad: Any, *memory: Any) -> bool:
    """Whether all can be taken a step; None among what is remembered is passed by."""
    written = [data, *(a for a in memory if a is not None)]
    return servable(grad, *written) and all(
        a.shape == grad.shape and a.flags.c_contiguous and getattr(a.flags, "writeable", True)
        for a in written
    )


def take_step(kernel: str, data: Any, grad: Any, *memory: Any, options: tuple[Any, ...]) -> None:
    """Run a kernel that takes the parameter, its gradient, what is remembered, and options."""
    arrays = (data, contiguous(grad), *memory)
    many = packs(*arrays)
    run = PROGRAM.kernel(kernel, data.dtype)
    run(blocks_for(many or data.size), THREADS, *arrays, data.size, many, *options)
