"""Out of the GPU's memory: how much was asked for, how much there is, and what to do."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ASKED = re.compile(r"allocating ([\d,]+) bytes")  # in the text of CuPy's error


class GPUOutOfMemoryError(MemoryError):
    """An array doesn't fit into the GPU's memory; the text says its size and what is free."""


@contextmanager
def explained_memory(remedy: str) -> Iterator[None]:
    """Within the block, say of an array that doesn't fit on the GPU what can be done about it.

    Parameters
    ----------
    remedy : str
        What needs less memory: "a smaller batch".

    Raises
    ------
    GPUOutOfMemoryError
        In place of CuPy's error.

    Examples
    --------
    >>> with explained_memory("a smaller batch"):
    ...     raise MemoryError("of the CPU, which stays as it is")
    Traceback (most recent call last):
    MemoryError: of the CPU, which stays as it is
    """
    try:
        yield
    except MemoryError as error:
        if not type(error).__module__.startswith("cupy"):
            raise
        raise GPUOutOfMemoryError(_text(error, remedy)) from error


def _text(error: MemoryError, remedy: str) -> str:
    asked = ASKED.search(str(error))
    what = f"asked for {size_text(int(asked[1].replace(',', '')))}" if asked else str(error)
    free, total = sys.modules["cupy"].cuda.Device().mem_info
    return (
        f"the GPU is out of memory: {what}, but {size_text(free)} of {size_text(total)} are free; "
        f"{remedy} needs less"
    )


def size_text(nbytes: int) -> str:
    """Write a number of bytes in the unit that suits it.

    Examples
    --------
    >>> size_text(300), size_text(5 << 20), size_text(3 << 29)
    ('300 bytes', '5.0 MiB', '1.5 GiB')
    """
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if nbytes >= scale:
            return f"{nbytes / scale:.1f} {unit}"
    return f"{nbytes} bytes"
