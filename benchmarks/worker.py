"""One side of a comparison, in a process of its own: `python -m benchmarks.worker NAME`.

Sides that shared a process would slow each other down: after a threaded matrix product the idle
threads of a BLAS go on spinning for a while.

It reads lines of JSON, {"do": …, "task": …, "pass": …, "files": …}, and answers each with a line
of JSON; {"problem": text} if it could not be done.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from . import memory, peaks
from .counting import Counter
from .cuda import peaks as gpu_peaks
from .cuda import timer
from .cuda.library import library_of
from .places import device_of
from .suites import find_task
from .task import Prepared
from .validation import Wrong, errors

TURN = 0.1  # seconds: a turn ends after the call that exceeds it
MOST_CALLS = 30  # in a turn
WAKE = 0.03  # seconds of calls that don't count: after a pause, threads and clocks are slow
WARM_UP = 2  # calls before the first turn


class Worker:
    """Answers requests; one task is kept ready at a time.

    Parameters
    ----------
    name : str
        The implementation.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._ready: tuple[tuple[str, str], Prepared] | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks for; what goes wrong is told, not raised."""
        try:
            if request["do"] in ("peaks", "device"):
                return self._about(request["do"])
            method = getattr(self, f"_{request['do']}")
            answer: dict[str, Any] = method(
                request["task"], request["pass"], Path(request["files"])
            )
            return answer
        except Wrong as error:
            return {"problem": str(error)}
        except Exception as error:
            return {"problem": f"{type(error).__name__}: {error}"}

    def _about(self, what: str) -> dict[str, Any]:
        """Measure the peaks, or describe the GPU."""
        library = library_of(self.name)
        if what == "device":
            return {"device": library.describe() if library else {}}
        return gpu_peaks.measure(library) if library else peaks.measure(self.name)

    def _reference(self, key: str, pass_: str, files: Path) -> dict[str, Any]:
        """Run in float64; write the results to a file, and say what had to be done."""
        task = find_task(key)
        prepared = task.prepare(self.name, pass_, np.float64, files)
        counter = Counter()
        with counter.looking_on():
            value = prepared.run()
        np.savez(files / "reference.npz", **prepared.results(value))
        return {"work": task.work(pass_, counter.costs)}

    def _export(self, key: str, pass_: str, files: Path) -> dict[str, Any]:
        """Write a network as an ONNX file."""
        find_task(key).export(files)  # type: ignore[attr-defined]
        return {}

    def _check(self, key: str, pass_: str, files: Path) -> dict[str, Any]:
        """Make ready, run once, and compare with the file that `reference` wrote."""
        self._ready = None
        gc.collect()
        task, library, device = find_task(key), library_of(self.name), device_of(self.name)
        if library:
            library.free()
            library.set_precision(task.precision_checked(device))
        prepared = task.prepare(self.name, pass_, np.float32, files)
        results = prepared.results(prepared.run())
        with np.load(files / "reference.npz") as reference:
            pair = prepared.align(results, dict(reference))
            found = errors(*pair, task.by_norm(pass_))
        if library:
            library.set_precision(task.precision(device))
        for _ in range(WARM_UP):
            prepared.run()
        self._ready = (key, pass_), prepared
        return {"errors": found, "note": prepared.note}

    def _time(self, key: str, pass_: str, files: Path) -> dict[str, Any]:
        """Take a turn: a call or more, in seconds; on a GPU also the processor's."""
        assert self._ready
        ready, prepared = self._ready
        assert ready == (key, pass_), "checked first"
        library = library_of(self.name)
        if library:
            return dict(timer.take_turn(prepared.run, library))
        return {"seconds": take_turn(prepared)}

    def _memory(self, key: str, pass_: str, files: Path) -> dict[str, Any]:
        """Measure the peak memory."""
        return memory.measure(self.name, find_task(key), pass_, files)


def take_turn(prepared: Prepared) -> list[float]:
    """Call until the turn is over; short calls a while beforehand, to wake the threads up.

    The result of a call is kept until the clock has stopped.
    """
    awake = 0.0
    while awake < WAKE:
        seconds = [_timed(prepared)]
        if seconds[0] >= TURN:
            return seconds
        awake += seconds[0]
    seconds = []
    while sum(seconds) < TURN and len(seconds) < MOST_CALLS:
        seconds.append(_timed(prepared))
    return seconds


def _timed(prepared: Prepared) -> float:
    started = time.perf_counter()
    result = prepared.run()
    seconds = time.perf_counter() - started
    del result
    return seconds


def main() -> None:
    """Answer requests until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not stand among the answers
    worker = Worker(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
