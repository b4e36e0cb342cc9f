"""Time the convolutions of `minis` against PyTorch's, on this machine's CPU.

    python -m benchmarks                                  both backends, every case
    python -m benchmarks --backend numpy --case 5 --pairs 15

Results are compared before anything is timed. Each side runs in a process of its own; the sides
take turns, with a pause between them. What is shown are medians in milliseconds, and the ratio to
PyTorch: above 1 is slower.
"""

from __future__ import annotations

import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from minis.doctor import cores

from .cases import CASES

PAUSE = 0.3  # seconds; long enough for the other side's idle threads to go to sleep


class Side:
    """A process that runs one implementation."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        limits = {k: str(threads) for k in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.side", name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **limits},
        )

    def ask(self, case: int, request: str) -> Any:
        """Send a request, and wait for the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{case} {request}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the process of {self.name} ended: see its message above")
        return json.loads(answer)


def compare(sides: list[Side], case: int, pass_: str, pairs: int) -> dict[str, list[float]]:
    """Time every side in turn: seconds, by side."""
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    for side in sides:
        side.ask(case, pass_)
    for _ in range(pairs):
        for side in sides:
            time.sleep(PAUSE)
            seconds[side.name].append(side.ask(case, pass_))
    return seconds


def machine(threads: int) -> str:
    """Name the processor and what runs on it."""
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as lines:
            fields = (line.split(":", 1) for line in lines if ":" in line)
            known = {key.strip(): value.strip() for key, value in fields}
            model = f"{known.get('model name', model)} (family {known.get('cpu family', '?')})"
    return f"{model}, {threads} threads, Python {platform.python_version()}, NumPy {np.__version__}"


def main(
    backend: Annotated[list[str] | None, typer.Option(help="numpy or numba; repeatable.")] = None,
    case: Annotated[int | None, typer.Option(help="Number of a single case, from 1.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Timings of each side.")] = 7,
    threads: Annotated[int, typer.Option(min=1)] = cores(),
) -> None:
    """Time the convolutions of minis against PyTorch's."""
    console = Console()
    names = backend or ["numpy", "numba"]
    ratios: dict[str, list[float]] = {name: [] for name in names}
    for index, this in enumerate(CASES):
        if case not in (None, index + 1):
            continue
        for name in names:  # two processes at a time: a third would disturb them
            sides = [Side("torch", threads), Side(name, threads)]
            digests = [side.ask(index, "digest") for side in sides]
            np.testing.assert_allclose(
                np.concatenate([np.ravel(d) for d in digests[1]]),
                np.concatenate([np.ravel(d) for d in digests[0]]),
                atol=1e-2,
                err_msg=f"{name} and PyTorch disagree on {this.label}",
            )
            for pass_ in ("forward", "backward"):
                times = compare(sides, index, pass_, pairs)
                medians = [statistics.median(times[s.name]) for s in sides]
                ratios[name].append(medians[1] / medians[0])
                console.print(
                    f"{this.label}, {pass_}: PyTorch {medians[0] * 1e3:.1f} ms, "
                    f"{name} {medians[1] * 1e3:.1f} ms, {ratios[name][-1]:.2f} times"
                )
            for side in sides:
                side.process.communicate()
    for name, values in ratios.items():
        mean = math.exp(statistics.fmean(map(math.log, values)))
        over = sum(r > 4 for r in values)
        console.print(
            f"{name}: geometric mean {mean:.2f} times PyTorch's time, worst {max(values):.2f}, "
            f"{over} of {len(values)} above 4"
        )
    console.print(machine(threads))


if __name__ == "__main__":
    typer.run(main)
