"""What an examination found, in a form that can be written down, sent, and shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Held:
    """A property that held, and on how many calls."""

    text: str
    calls: int


@dataclass(frozen=True)
class Speed:
    """Time and memory of one implementation on one call."""

    name: str
    milliseconds: float
    mebibytes: float  # the most that was allocated at a time


@dataclass(frozen=True)
class Planes:
    """The first plane of a result that is wrong, and what it should be.

    Attributes
    ----------
    call : str
        The call, as Python, and where the plane lies in its result.
    got, expected : (rows, columns) array
    """

    call: str
    got: Any
    expected: Any


@dataclass(frozen=True)
class Failure:
    """The smallest failure that was found.

    Attributes
    ----------
    kind, text : str
        As a `Trial`'s: what is wrong, in a word and in a sentence.
    call : str
        The call, as Python.
    arguments : dict of str to array
        The arrays that it names.
    got, expected : array or None
        The wrong result and what it should be.
    cause, cause_name : str
        The likely cause, as a sentence and by its name; empty if none was recognised.
    share : float
        How many of the failures the cause explains, 0 … 1.
    pattern : str
        On which calls it fails; empty if no one feature tells.
    wrong, calls : int
        How many of the drawn calls failed.
    larger : Planes or None
        The same on a call of the usual size, for a picture; None where that one is right.
    """

    kind: str
    text: str
    call: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    got: Any = None
    expected: Any = None
    cause: str = ""
    cause_name: str = ""
    share: float = 0.0
    pattern: str = ""
    wrong: int = 0
    calls: int = 0
    larger: Planes | None = None


@dataclass(frozen=True)
class Verdict:
    """The outcome of an examination.

    Attributes
    ----------
    function, operation : str
        What was examined, and as what.
    held : tuple of Held
        The properties that held, if it passed.
    failure : Failure or None
        None if it passed.
    speed : tuple of Speed
        Its own first, then the library's; none if it failed.
    measured_on : str
        The shapes of the call that `speed` is of.
    seconds : float
        That the examination took.
    """

    function: str
    operation: str
    held: tuple[Held, ...] = ()
    failure: Failure | None = None
    speed: tuple[Speed, ...] = ()
    measured_on: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether nothing wrong was found."""
        return self.failure is None

    def __str__(self) -> str:
        from .screen import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from .screen import as_html

        return as_html(self)
