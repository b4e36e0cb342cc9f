"""How many blocks a kernel is started with."""

from __future__ import annotations

from .program import emulating

THREADS = 256  # of a block, where a kernel does not say otherwise
BLOCKS = 132 * 8  # enough to fill the largest GPU sold: each thread then takes several numbers


def blocks_for(count: int, threads: int = THREADS) -> int:
    """Return a number of blocks for kernels whose threads go through `count` things in strides.

    Examples
    --------
    >>> blocks_for(1000), blocks_for(0)
    (4, 0)
    """
    most = 4 if emulating() else BLOCKS
    return min(most, -(-count // threads))
