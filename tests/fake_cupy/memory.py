"""The imagined GPU's memory, and the error of an array that doesn't fit."""

from __future__ import annotations


class OutOfMemoryError(MemoryError):
    """As CuPy's, with its text."""

    def __init__(self, size: int, held: int) -> None:
        super().__init__(
            f"Out of memory allocating {size:,} bytes (allocated so far: {held:,} bytes)."
        )


class Memory:
    """Sizes that a test sets. Nothing is counted against them."""

    total = 8 << 30
    free = 8 << 30
    largest = 8 << 30  # bytes of the largest array that can still be made

    def take(self, nbytes: int) -> None:
        """Refuse an array that is too large."""
        if nbytes > self.largest:
            raise OutOfMemoryError(nbytes, self.total - self.free)


OutOfMemoryError.__module__ = "cupy.cuda.memory"
memory = Memory()
