"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from . import tables
from .results import Report
from .targets import misses
from .task import CUDA

TITLES = {
    "ops": "Operations",
    "models": "Networks",
    "memory": "Peak memory",
    "ladder": "One operation in many versions",
    "startup": "Start-up",
}
EXPLAINED = {
    "ops": "Speed-up: PyTorch's time over ours, above 1 we are faster; in parentheses the "
    "quartiles. Rates follow from the plain algorithm's operations and the least bytes to move. "
    "Errors: ours and PyTorch's, largest difference from float64 over the largest value.",
    "memory": "The most that was resident during a warmed-up run, above what the imported "
    "libraries took: weights, gradients, momentum and all that is computed.",
    "ladder": "Extra memory: the result and all that is allocated on the way, above the input; "
    "buffers that a library keeps from one call to the next are not counted.",
}
EXPLAINED["models"] = EXPLAINED["ops"]
ON_GPU = (
    "Times are those of CUDA events around calls that are queued one after the other, on inputs "
    "that exceed the L2 cache. Host ms is what the processor takes to queue a call: where it is as "
    "much as ms, the kernels wait for it. Convolutions may take TF32 on both sides, and are held "
    "to its exactness, unless the row says float32. Networks are checked in float32 and timed with "
    "TF32. × CPU: the CPU's time over ours."
)


def document(report: Report) -> str:
    """Write the whole report."""
    parts = [f"# {TITLES[report.suite]}", EXPLAINED.get(report.suite, "")]
    if report.device == CUDA:
        parts.append(ON_GPU)
    if report.settings["partial"]:
        parts.append("**Partial run: not every case, or fewer turns.**")
    rows = [line for row in report.rows for line in tables.lines(report, row)]
    columns = tables.columns(report)
    parts.append(table([c.title for c in columns], rows, sum(c.left for c in columns)))
    parts.append("\n".join(f"- {line}" for line in tables.closing(report)))
    notes = dict.fromkeys(note for row in report.rows for note in tables.notes(row))
    parts.append("\n".join(f"- {note}" for note in notes))
    missed = misses(report)
    if missed:
        parts.append("Targets missed:\n\n" + "\n".join(f"- {line}" for line in missed))
    parts.append(machine_text(report))
    return "\n\n".join(part for part in parts if part) + "\n"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Write a table whose first `left` columns are aligned left.

    Examples
    --------
    >>> print(table(["a", "b"], [["x", "1"]], left=1))
    | a | b |
    |:--|--:|
    | x | 1 |
    """
    marks = [":--" if i < left else "--:" for i in range(len(titles))]
    head = ["| " + " | ".join(titles) + " |", "|" + "|".join(marks) + "|"]
    return "\n".join([*head, *("| " + " | ".join(cells) + " |" for cells in rows)])


def machine_text(report: Report) -> str:
    """Write a sentence about the machine and the run."""
    settings = report.settings
    described = "; ".join(f"{key}: {value}" for key, value in report.machine.items())
    return (
        f"Measured on {settings['date']} with {settings['threads']} threads, "
        f"{settings['pairs']} turns a side. {described}."
    )
