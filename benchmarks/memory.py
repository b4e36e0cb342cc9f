"""The peak of a process's memory, as the operating system counts it (resident set)."""

from __future__ import annotations

import ctypes
import gc
import importlib
from pathlib import Path
from typing import Any

import numpy as np

from .sides import OTHERS
from .task import Task

CALLS = 2


def measure(implementation: str, task: Task, pass_: str, files: Path) -> dict[str, Any]:
    """Run a task twice, warmed up, and watch the memory.

    Returns
    -------
    dict
        Bytes resident after the import of the libraries ("imported"), with everything built
        ("built"), between the first run and the second ("at_rest"), and at the highest ("peak");
        and the implementation's "note".
    """
    _import(implementation)
    imported = resident()
    prepared = task.prepare(implementation, pass_, np.float32, files)
    built = resident()
    prepared.run()
    at_rest = resident()
    reset_peak()
    for _ in range(CALLS):
        prepared.run()
    return {
        "imported": imported,
        "built": built,
        "at_rest": at_rest,
        "peak": peak(),
        "note": prepared.note,
    }


def resident() -> int:
    """Return the bytes that are resident now, free memory given back first."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it
    if trim:
        trim(0)
    return _status("VmRSS")


def peak() -> int:
    """Return the most that was resident since `reset_peak`."""
    return _status("VmHWM")


def reset_peak() -> None:
    """Let the peak begin at what is resident now."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def unavailable() -> str | None:
    """Say why memory can't be measured here, or None where it can."""
    try:
        reset_peak()
        return None
    except OSError as error:
        return f"memory is read from Linux's /proc/self/clear_refs: {error.strerror}"


def _status(field: str) -> int:
    with open("/proc/self/status") as lines:
        for line in lines:
            if line.startswith(f"{field}:"):
                return 1024 * int(line.split()[1])
    raise OSError(f"/proc/self/status has no {field}")


def _import(implementation: str) -> None:
    if implementation in OTHERS:
        importlib.import_module(implementation)
        return
    import minis.ops
    import minis.training  # noqa: F401 - to have them loaded
    import minis_kernels

    for module in sorted(set(minis_kernels.KERNELS.get(implementation, {}).values())):
        importlib.import_module(module)
