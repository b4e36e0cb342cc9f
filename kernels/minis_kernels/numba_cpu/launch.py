"""When a parallel kernel may run.

Numba's thread pool takes one kernel at a time: with some of its threading layers, a second launch
from another Python thread ends the process. So launches are made one after the other.

GNU OpenMP ends a forked process that asks for the threads it had before. A process forked after the
first launch is therefore served by the NumPy text.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from numba import threading_layer

_lock = threading.Lock()
_launched = False
_lost = False


def launch(kernel: Any, *args: Any) -> None:
    """Call a compiled parallel kernel while no other runs."""
    global _launched
    with _lock:
        kernel(*args)
        _launched = True


def can_launch() -> bool:
    """Whether this process still has its threads."""
    return not _lost


def _after_fork() -> None:
    global _lock, _lost
    _lock = threading.Lock()
    _lost = _launched and threading_layer() == "omp"


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
