"""What an exercise's kernel must do beside giving the right numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..specs.spec import Call
from .accesses import counted

MOST = 4.0  # reads a thread from the GPU's memory; without shared memory it takes 18

Functions = dict[str, Callable[..., Any]]


def shares_the_work(name: str) -> Callable[[Functions, Call], None]:
    """Return the check that a function's kernel leaves each thread its own number."""

    def check(functions: Functions, call: Call) -> None:
        """Each thread writes at most one number, its own."""
        with counted() as done:
            y = call.on(functions[name])
        assert done.global_writes <= y.size, (
            f"{done.global_writes} numbers were written where y has {y.size}: does every thread do "
            "the work of all? Each is to write one number, and none a whole array"
        )

    return check


def waits(functions: Functions, call: Call) -> None:
    """Reads nothing from shared memory that no thread has written yet."""
    with counted():
        y = call.on(functions["conv3x3"])
    assert not np.isnan(y).any(), (
        "y has NaN, which the simulator's shared memory is filled with at first. "
        "Do threads read before all have loaded (cuda.syncthreads), or was a number not loaded?"
    )


def reads_little(functions: Functions, call: Call) -> None:
    """Reads at most 4 numbers a thread from the GPU's memory, and so shares what it reads."""
    with counted() as done:
        call.on(functions["conv3x3"])
    reads = done.a_thread(done.global_reads)
    assert reads <= MOST, f"{done}; at most {MOST:g} global reads are wanted"
