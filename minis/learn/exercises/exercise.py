"""One exercise: all that a learner sees of it is cut out of its solution."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..checking.target import Target

BEGIN, END = "# your turn", "# end of your turn"
SOLUTIONS = Path(__file__).parent / "solutions"


@dataclass(frozen=True)
class Exercise:
    """A function to write.

    Attributes
    ----------
    name : str
        Such as "output-size"; with underscores, its solution's module.
    chapter : int
        Of the book, where what it takes is explained.
    function : str
        What the learner's function is called.
    target : function () -> Target
        Makes what it is compared with.
    where : str
        Where the library does the same.
    simulated : bool
        Whether it is a CUDA kernel, to be run in Numba's simulator.

    Examples
    --------
    >>> from minis.learn.exercises.ladder import find
    >>> exercise = find("output-size")
    >>> exercise.title
    'How many outputs a window gives'
    >>> exercise.lines
    2
    """

    name: str
    chapter: int
    function: str
    target: Callable[[], Target]
    where: str
    simulated: bool = False

    @property
    def file(self) -> str:
        """The name of the learner's file."""
        return f"{self.name.replace('-', '_')}.py"

    @property
    def source(self) -> str:
        """The solution's module as it stands."""
        return (SOLUTIONS / self.file).read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        """What it is about, without a full stop."""
        return self._docstring.split("\n")[0].rstrip(".")

    @property
    def statement(self) -> str:
        """What is to be done."""
        return self._docstring.partition("\n")[2].strip()

    @property
    def _docstring(self) -> str:
        return ast.get_docstring(ast.parse(self.source)) or ""

    @property
    def stub(self) -> str:
        """The file that a learner begins with."""
        before, _, after = self._parts()
        line = before.rpartition("\n")[2]
        told = "1 line" if self.lines == 1 else f"{self.lines} lines"
        turn = f"# your turn: {told} in the solution\n{line}raise NotImplementedError"
        return f"{before}{turn}{_without_hints(after)}"

    @property
    def solution(self) -> str:
        """The whole module, without hints."""
        before, written, after = self._parts()
        return f"{before.rstrip(' ')}{written}{_without_hints(after)}"

    @property
    def lines(self) -> int:
        """Lines of the solution that aren't empty."""
        return sum(bool(line.strip()) for line in self._parts()[1].splitlines())

    @property
    def hints(self) -> tuple[str, ...]:
        """The hints in order, each a paragraph."""
        lines = re.findall(r"^#( hint:|    ) (.*)$", self._parts()[2], re.MULTILINE)
        hints: list[str] = []
        for kind, text in lines:
            if kind == " hint:":
                hints.append(text.strip())
            else:
                hints[-1] += " " + text.strip()
        return tuple(hints)

    def _parts(self) -> tuple[str, str, str]:
        """Cut the source: before the learner's part, that part, and after it."""
        before, begin, rest = self.source.partition(BEGIN + "\n")
        written, end, after = rest.partition("    " + END)
        if not begin or not end:
            raise ValueError(f"exercise {self.name}: {self.file} has no part marked {BEGIN!r}")
        return before, written.rstrip("\n"), after


def _without_hints(text: str) -> str:
    return re.sub(r"^#( hint:|    ).*\n", "", text, flags=re.MULTILINE).rstrip() + "\n"
