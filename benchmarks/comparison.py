"""The protocol: check every side, then let them take turns.

A turn is a call, or as many as fill a tenth of a second; its median stands for it. Before each
turn there is a pause, long enough for the other side's idle threads to go to sleep. All sides take
one turn, then all the next, so that a slow minute of the machine slows all of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .results import Row, SideResult
from .sides import Answering
from .task import CPU, Task, Work
from .validation import WRONG

PAUSE = 0.3  # seconds
PAIRS = 7  # turns of each side, at least, for a result that counts


def compare(
    task: Task,
    pass_: str,
    reference: Answering,
    sides: Sequence[Answering],
    pairs: int,
    files: Path,
    pause: float = PAUSE,
    device: str = CPU,
) -> Row:
    """Check and time one row.

    Parameters
    ----------
    task, pass_
        What to run.
    reference : Answering
        Side that computes the reference, or nothing where it has a problem.
    sides : sequence of Answering
        In the order in which they take turns.
    pairs : int
        Turns of each side.
    files : Path
        A directory that the processes share.
    pause : float
        Seconds before each turn.
    device : str
        Which the sides are to run on.

    Returns
    -------
    Row
        A side that could not be run, or was wrong, has a problem and no times.
    """
    request = {"task": task.key, "pass": pass_, "files": str(files)}
    answer = reference.ask({"do": "reference", **request})
    if "problem" in answer:
        problem = f"no reference: {answer['problem']}"
        failed = {side.name: SideResult(problem=problem) for side in sides}
        return Row(task.key, task.label, pass_, Work(0.0, 0.0), 0.0, failed)
    limit = task.limit(pass_, device)
    results = {side.name: checked(side, request, limit) for side in sides}
    running = [side for side in sides if not results[side.name].problem]
    for _ in range(pairs):
        for side in running:
            time.sleep(pause)
            turn = side.ask({"do": "time", **request})
            if "problem" in turn:
                results[side.name].problem = turn["problem"]
                results[side.name].turns.clear()
                results[side.name].host.clear()
            elif not results[side.name].problem:
                results[side.name].turns.append(turn["seconds"])
                results[side.name].host += [turn["host"]] if "host" in turn else []
    work = Work(*answer["work"])
    return Row(task.key, task.label, pass_, work, limit, results, task.precision(device))


def checked(side: Answering, request: dict[str, Any], limit: float) -> SideResult:
    """Let a side run once, and compare what it returned with the reference."""
    answer = side.ask({"do": "check", **request})
    if "problem" in answer:
        return SideResult(problem=answer["problem"])
    errors: dict[str, float] = answer["errors"]
    worst = max(errors, key=lambda name: errors[name])
    result = SideResult(error=errors[worst], note=answer["note"])
    if errors[worst] > WRONG * limit:
        result.problem = f"wrong: the error of {worst} is {errors[worst]:.1e}"
    return result
