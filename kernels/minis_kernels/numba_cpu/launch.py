"""When a parallel kernel may run, and on how many threads.

Numba's thread pool takes one kernel at a time: with some of its threading layers, a second launch
from another Python thread ends the process. So launches are made one after the other. Other Python
threads go on with their own work meanwhile: kernels release the interpreter's lock.

A fork waits for the kernel that runs. GNU OpenMP ends a forked process that asks for the threads
it had before: a process forked after Numba's threads were started is then served by the NumPy text.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from numba import config, get_num_threads, set_num_threads, threading_layer

from .. import threads as process

_lock = threading.RLock()
_lost = False


def launch(kernel: Any, *args: Any) -> None:
    """Call a compiled parallel kernel, on `threads()` threads, while no other runs."""
    with _lock:
        if process.chosen() is not None:
            set_num_threads(threads())
        kernel(*args)


def exclusive() -> Any:
    """Return a context in which no other Python thread launches a kernel or uses `scratch`."""
    return _lock


def threads() -> int:
    """Return how many threads the kernels that this Python thread launches run on.

    The number chosen for the process; where none was, Numba's own.
    """
    count = process.chosen()
    return get_num_threads() if count is None else min(count, config.NUMBA_NUM_THREADS)


def can_launch() -> bool:
    """Whether this process still has its threads."""
    return not _lost


def _before_fork() -> None:
    _lock.acquire()


def _after_fork_in_parent() -> None:
    _lock.release()


def _after_fork_in_child() -> None:
    global _lock, _lost
    _lock = threading.RLock()
    try:
        _lost = threading_layer() == "omp"
    except ValueError:  # no threads were started yet
        _lost = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
