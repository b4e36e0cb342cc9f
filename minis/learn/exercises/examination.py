"""A learner's file, examined as the solution of an exercise.

`examine_file` starts this module as a process of its own, with the exercise's name and the file,
and reads the verdict that it prints.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..checking.codec import to_json
from ..checking.examine import examine
from ..checking.process import examine_elsewhere, limit_memory
from ..checking.verdict import Failure, Held, Verdict
from ..checking.worker import cannot_be_read, load_module
from .accesses import counted
from .exercise import Exercise
from .ladder import find

IN_SIMULATOR = 25  # calls to draw for a kernel, whose threads are slow threads of Python


def examine_file(file: Path, exercise: Exercise) -> Verdict:
    """Examine a learner's file.

    Parameters
    ----------
    file : Path
        Python source with the exercise's function.
    exercise : Exercise
        Which one it is of.

    Returns
    -------
    Verdict

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    if not file.is_file():
        raise FileNotFoundError(2, "no such file", str(file))
    arguments = [__spec__.name, str(file.resolve()), exercise.name]
    return examine_elsewhere(arguments, exercise.function, simulated=exercise.simulated)


def main(file: str, name: str) -> int:
    """Examine a function, and print the verdict."""
    limit_memory()
    print(to_json(_verdict(Path(file), find(name))))
    return 0


def _verdict(file: Path, exercise: Exercise) -> Verdict:
    try:
        module = load_module(file)
    except BaseException as error:
        return cannot_be_read(str(file), error)
    function = getattr(module, exercise.function, None)
    if not callable(function):
        text = f"{file.name} has no function {exercise.function}"
        return Verdict(exercise.function, exercise.name, failure=Failure("file", text))
    return examine_solution(function, exercise)


def examine_solution(function: Callable[..., Any], exercise: Exercise) -> Verdict:
    """Examine a function in this process."""
    target = exercise.target()
    if not exercise.simulated:
        return _explained(examine(function, target))
    with counted() as done:
        verdict = examine(function, target, examples=IN_SIMULATOR)
    if verdict.failure is None:
        held = (*verdict.held, Held(f"on average {done}", done.threads))
        return dataclasses.replace(verdict, held=held)
    return _explained(verdict)


def _explained(verdict: Verdict) -> Verdict:
    """Say what a failure means that only a stub, or a kernel, can have."""
    failure = verdict.failure
    if failure is None:
        return verdict
    if failure.kind == "exception" and "NotImplementedError" in failure.text:
        text = "its body is still `raise NotImplementedError`: put your own lines there"
        return dataclasses.replace(verdict, failure=Failure("stub", text))
    with contextlib.suppress(TypeError):
        lost = np.isnan(failure.got).any() and not np.isnan(failure.expected).any()
        if lost and verdict.operation == "conv3x3":
            cause = (
                "A thread read shared memory that none had written yet: it begins as NaN here. "
                "Is cuda.syncthreads() missing after loading, or was a number not loaded?"
            )
            changed = dataclasses.replace(failure, cause=cause, cause_name="too early", share=0.0)
            return dataclasses.replace(verdict, failure=changed)
    return verdict


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
