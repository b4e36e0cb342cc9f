"""How long the first call of each operation takes: with nothing compiled, and with a full cache.

Each pass of each case runs in a process of its own, first with an empty folder of compiled kernels,
then with what that left there. What Numba itself takes to start, once in a process, is told apart.

    python -m benchmarks.startup
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .suites import SUITES, find_task
from .task import Task

START = "start"  # stands for a task that is none
FIRST_LIMIT, CACHED_LIMIT = 5.0, 0.2  # seconds


class Row(NamedTuple):
    """First calls, in seconds."""

    operation: str
    first_s: float
    cached_s: float


def measure_startup(
    tasks: Iterable[Task] | None = None, tell: Callable[[str], None] = lambda operation: None
) -> list[Row]:
    """Time the first call of operations on the numba backend.

    Parameters
    ----------
    tasks : iterable of Task, optional
        By default the operation suite.
    tell : callable
        Called with each operation's name before it is measured.

    Returns
    -------
    list of Row
        The first is Numba's own start, timed twice.
    """
    rows = [Row("Numba's own start", *(_run(START, "numba", {}) for _ in range(2)))]
    for task in SUITES["ops"] if tasks is None else tasks:
        for pass_ in task.passes:
            name = f"{task.key} {pass_}"
            tell(name)
            with tempfile.TemporaryDirectory() as folder:
                cache = {"NUMBA_CACHE_DIR": folder}
                rows.append(Row(name, *(_run(task.key, pass_, cache) for _ in range(2))))
    return rows


def _run(key: str, pass_: str, environment: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-m", __spec__.name, key, pass_],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return float(done.stdout)


def _start_numba() -> float:
    """Import Numba, and have it fill its tables of types, as the first kernel of all would."""
    started = time.perf_counter()
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()
    return time.perf_counter() - started


def _seconds_of_first_call(key: str, pass_: str) -> float:
    start = _start_numba()
    if key == START:
        return start
    with tempfile.TemporaryDirectory() as files:
        prepared = find_task(key).prepare("numba", pass_, np.float32, Path(files))
        started = time.perf_counter()
        prepared.run()
        return time.perf_counter() - started


def main() -> None:
    """Print the table; or, given a task and a pass, the seconds of its first call."""
    if len(sys.argv) == 3:
        print(_seconds_of_first_call(*sys.argv[1:]))
        return
    rows = measure_startup(tell=lambda name: print(name, file=sys.stderr))
    for row in rows:
        late = row.first_s > FIRST_LIMIT or row.cached_s > CACHED_LIMIT
        mark = "  ← too slow" if late else ""
        print(f"{row.operation:40} {row.first_s:8.2f} s {row.cached_s:8.3f} s{mark}")


if __name__ == "__main__":
    main()
