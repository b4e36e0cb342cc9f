"""How many kernels are compiled, and how many come from the cache, while something runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from numba.core.event import Listener, install_listener

from .jit import functions


@dataclass
class Compilations:
    """What happened to kernels; functions that a kernel calls are part of it.

    Attributes
    ----------
    compiled : int
        Those that were compiled.
    loaded : int
        Those that were read from the disk.
    """

    compiled: int = field(default=0, init=False)
    loaded: int = field(default=0, init=False)


class _Ear(Listener):
    """Hears when Numba begins and ends to compile a function, often within another."""

    def __init__(self, counts: Compilations) -> None:
        self.counts = counts
        self.depth = 0
        self.before = _loads()
        self.within = 0  # of the loads, those on behalf of a kernel that was being compiled

    def on_start(self, event: Any) -> None:
        if self.depth == 0:
            self.within -= _loads()
        self.depth += 1

    def on_end(self, event: Any) -> None:
        self.depth -= 1
        if self.depth == 0:
            self.within += _loads()
            self.counts.compiled += 1


def _loads() -> int:
    return sum(sum(function.stats.cache_hits.values()) for function in functions)


@contextmanager
def counted() -> Iterator[Compilations]:
    """Count in a `with` block.

    Yields
    ------
    Compilations
        Complete when the block ends.

    Examples
    --------
    >>> with counted() as counts:
    ...     pass
    >>> counts
    Compilations(compiled=0, loaded=0)
    """
    counts = Compilations()
    ear = _Ear(counts)
    with install_listener("numba:compile", ear):
        yield counts
    counts.loaded = _loads() - ear.before - ear.within
