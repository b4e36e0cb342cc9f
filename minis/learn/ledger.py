"""How much memory arrays take that have only a shape: all that live at a time, added up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Ledger:
    """How much memory the planned arrays take that live.

    Attributes
    ----------
    living, peak : int
        Bytes: now, and the most so far.
    now, peak_at : str
        What is going on, as someone else says, and what was when the peak was reached.
    """

    def __init__(self) -> None:
        self.living = self.peak = 0
        self.now = self.peak_at = ""

    def take(self, nbytes: int) -> None:
        """Count memory that is taken; a negative number gives some back."""
        self.living += nbytes
        if self.living > self.peak:
            self.peak, self.peak_at = self.living, self.now


_ledger: ContextVar[Ledger | None] = ContextVar("minis_plan_ledger", default=None)


@contextmanager
def counting() -> Iterator[Ledger]:
    """Count the memory of the planned arrays that are made within a `with` block.

    Examples
    --------
    >>> from minis.learn.planned_array import Planned
    >>> with counting() as ledger:
    ...     x = Planned((1, 2, 100), "float32")
    ...     y = (x + 1) + 1
    ...     del x, y
    >>> ledger.peak, ledger.living  # x, x + 1, and the sum
    (2400, 0)
    """
    ledger = Ledger()
    token = _ledger.set(ledger)
    try:
        yield ledger
    finally:
        _ledger.reset(token)


class Memory:
    """What an array and its views share. It is taken until the last of them is gone."""

    def __init__(self, nbytes: int) -> None:
        self.nbytes, self.ledger = nbytes, _ledger.get()
        if self.ledger:
            self.ledger.take(nbytes)

    def __del__(self) -> None:
        if self.ledger:
            self.ledger.take(-self.nbytes)
