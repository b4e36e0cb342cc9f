"""What has been started, tried and solved: a small file beside the learner's own.

It is written whole or not at all, so that an interrupted command loses nothing.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

from ...data.images import write_text
from .ladder import LADDER

FILE = "minis-exercises.json"
FORM = 1


@dataclass
class Standing:
    """How far one exercise has come.

    Attributes
    ----------
    started, solved : str
        The dates, as 2030-12-31; empty if it wasn't.
    checks, hints : int
        How many checks were made until it was solved, and hints shown.
    looked : bool
        Whether the solution was shown before it was solved.
    """

    started: str = ""
    solved: str = ""
    checks: int = 0
    hints: int = 0
    looked: bool = False

    def __str__(self) -> str:
        if self.solved:
            looked = ", having seen the solution" if self.looked else ""
            helped = f", {_times(self.hints, 'hint')}" if self.hints else ""
            return f"solved, {_times(self.checks, 'check')}{helped}{looked}"
        if not self.started:
            return ""
        return f"started, {_times(self.checks, 'check')}" if self.checks else "started"


@dataclass
class Progress:
    """The progress in one folder.

    Attributes
    ----------
    folder : Path
        Where the learner's files lie.
    current : str
        The name of the exercise started or checked last; empty if none was.
    standings : dict of str to Standing
        Of the exercises that were touched.
    """

    folder: Path
    current: str = ""
    standings: dict[str, Standing] = field(default_factory=dict)

    def of(self, name: str) -> Standing:
        """Return an exercise's standing, to be read or changed."""
        return self.standings.setdefault(name, Standing())

    @property
    def following(self) -> str:
        """The first exercise that is not solved; empty if all are."""
        for exercise in LADDER:
            if not self.of(exercise.name).solved:
                return exercise.name
        return ""

    def save(self) -> None:
        """Write the file."""
        standings = {
            name: dataclasses.asdict(standing)
            for name, standing in self.standings.items()
            if standing != Standing()
        }
        form = {"form": FORM, "current": self.current, "exercises": standings}
        write_text(self.folder / FILE, json.dumps(form, indent=1))


def load(folder: Path) -> Progress:
    """Read the progress in a folder; without a file, nothing has been started.

    Raises
    ------
    ValueError
        If the file can't be understood. It is left as it is.

    Examples
    --------
    >>> load(Path("nowhere")).following
    'one-hot'
    """
    file = folder / FILE
    if not file.exists():
        return Progress(folder)
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
        if read["form"] != FORM:
            raise ValueError(f"form {read['form']}, expected {FORM}")
        standings = {name: Standing(**known) for name, known in read["exercises"].items()}
        return Progress(folder, str(read["current"]), standings)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"exercise: {file} is not a file of progress ({error}); "
            "rename it to begin anew; your solutions are in files of their own"
        ) from None


def _times(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
