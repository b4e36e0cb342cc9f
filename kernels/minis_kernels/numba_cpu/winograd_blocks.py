"""How the tiles of a map are cut into blocks, for `winograd` and its gradient.

`shape` holds the taps of the filter's first axis, three paddings, the tiles down and across, the
planes and rows of tiles of a block, and how many planes lie together; what follows is the caller's.
"""

from __future__ import annotations

from typing import Any

from .jit import jit
from .vector import INNER


@jit(**INNER)
def block_extent(shape: Any, block: int) -> Any:
    """Planes first…last and rows of tiles r0…r1 of a block."""
    planes, rows, run = shape[6], shape[7], shape[8]
    spans = (shape[4] + rows - 1) // rows
    pieces = (run + planes - 1) // planes
    begin = block // spans // pieces * run
    first = begin + block // spans % pieces * planes
    r0 = block % spans * rows
    return first, min(first + planes, begin + run), r0, min(r0 + rows, shape[4])
