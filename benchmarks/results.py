"""What a run measured, and its form on disk: JSON with every single time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .peaks import Peaks
from .task import CPU, FLOAT32, Work

SCHEMA = 1
RESULTS = Path(__file__).parent / "results"


@dataclass
class SideResult:
    """One side of a row.

    Attributes
    ----------
    turns : list of list of float
        Seconds of every call, by turn.
    error : float or None
        Against the reference.
    note, problem : str
        What is to be said; why there are no times.
    memory : list of dict
        Bytes, by run: see `memory.measure`.
    host : list of list of float
        On a GPU, the processor's seconds to queue a call, by turn.
    """

    turns: list[list[float]] = field(default_factory=list)
    error: float | None = None
    note: str = ""
    problem: str = ""
    memory: list[dict[str, int]] = field(default_factory=list)
    host: list[list[float]] = field(default_factory=list)


@dataclass
class Row:
    """One pass of one task, on every side.

    Attributes
    ----------
    key, label, pass_
        As the task has them.
    work : Work
        What was to be done.
    limit : float
        Error that counts as exact.
    sides : dict of str to SideResult
        By the implementation's name, in the order of their turns.
    precision : str
        How products were rounded: "float32" or "tf32".
    """

    key: str
    label: str
    pass_: str
    work: Work
    limit: float
    sides: dict[str, SideResult]
    precision: str = FLOAT32


@dataclass
class Report:
    """A suite's results.

    Attributes
    ----------
    suite : str
    machine : dict of str to str
        See `machine.describe`.
    settings : dict
        Of the run: threads, pairs, date and so on; "partial" says that it left cases out, and
        "device" where it ran ("cpu" if that is not said).
    ours, theirs : list of str
        The implementations compared: minis' backends, and the others.
    peaks : Peaks or None
    peaks_by_library : dict
        What each library reached, by turn.
    rows : list of Row
    cpu : dict
        Times of a CPU to set beside those of a GPU: see `cuda.cpu.newest`.
    """

    suite: str
    machine: dict[str, str]
    settings: dict[str, Any]
    ours: list[str]
    theirs: list[str]
    peaks: Peaks | None = None
    peaks_by_library: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    cpu: dict[str, Any] = field(default_factory=dict)

    @property
    def device(self) -> str:
        """Where it was measured: "cpu" or "cuda"."""
        return str(self.settings.get("device", CPU))


def to_json(report: Report) -> str:
    """Write a report as JSON text; numbers are rounded to five digits.

    Lists of numbers stand on one line.
    """
    data = {"schema": SCHEMA, **asdict(report)}
    data["peaks"] = report.peaks._asdict() if report.peaks else None
    for row, original in zip(data["rows"], report.rows, strict=True):
        row["work"] = original.work._asdict()
    text = json.dumps(_rounded(data), indent=1, ensure_ascii=False)
    flat = re.sub(
        r"\[[^][{}\"]*\]", lambda match: re.sub(r"\s+", " ", match[0]).replace("[ ", "["), text
    )
    return flat.replace(" ]", "]") + "\n"


def from_json(text: str) -> Report:
    """Read what `to_json` wrote.

    Raises
    ------
    ValueError
        If it is of another version of this form.
    """
    data = json.loads(text)
    if data.pop("schema", None) != SCHEMA:
        raise ValueError(f"the results are not in form {SCHEMA}: measure again")
    rows = [
        Row(
            **{
                **row,
                "work": Work(**row["work"]),
                "sides": {name: SideResult(**side) for name, side in row["sides"].items()},
            }
        )
        for row in data.pop("rows")
    ]
    peaks = data.pop("peaks")
    return Report(**data, peaks=Peaks(**peaks) if peaks else None, rows=rows)


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_all(folder: Path, suites: Iterable[str]) -> dict[str, Report]:
    """Read the reports of one machine, by suite."""
    files = {suite: folder / f"{suite}.json" for suite in suites}
    return {
        suite: from_json(file.read_text(encoding="utf-8"))
        for suite, file in files.items()
        if file.exists()
    }


def read_machines(
    folder: Path, device: str, suites: Iterable[str]
) -> list[tuple[Path, dict[str, Report]]]:
    """Read the reports of every machine that was measured on that device, each with its folder."""
    suites = list(suites)
    folders = sorted(f for f in folder.glob("*") if f.is_dir()) if folder.is_dir() else []
    found = []
    for one in folders:
        reports = {k: r for k, r in read_all(one, suites).items() if r.device == device}
        if reports:
            found.append((one, reports))
    return found


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
