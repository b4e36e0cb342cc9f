"""Running an examination in a process of its own, with limits of time and memory."""

from __future__ import annotations

import faulthandler
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .codec import from_json, to_json
from .verdict import Failure, Verdict

SECONDS = 60.0  # after which the process is ended
MEMORY = 8 << 30  # bytes of address space
# it notes what it has found out about the code; not in the learner's folder
HYPOTHESIS = "HYPOTHESIS_STORAGE_DIRECTORY", str(Path(tempfile.gettempdir(), "minis-hypothesis"))


def check(function: Callable[..., Any], operation: str | None = None) -> Verdict:
    """Have your own version of an operation examined.

    Parameters
    ----------
    function : callable
        With the signature of an operation of `minis.ops`, on NumPy arrays.
    operation : str, optional
        Which one it is, such as "conv_backward"; by default the function's name.

    Returns
    -------
    Verdict
        `print` it; a notebook shows it as it is.

    Raises
    ------
    ValueError
        If there is no such operation.

    Notes
    -----
    The function runs in a copy of this process where the system can make one (Linux), so that a
    crash or an endless loop does no harm. The oracle is the library's NumPy text, which its tests
    compare with PyTorch; PyTorch isn't needed here.

    Examples
    --------
    >>> def relu(x):
    ...     return np.where(x > 0, x, 0)
    >>> verdict = check(relu)
    >>> verdict.passed, verdict.failure.kind
    (False, 'promise')
    """
    from .examine import examine
    from .target import Target

    name = str(operation or getattr(function, "__name__", ""))
    Target(name)  # a wrong name is an error here, not there
    return examine_in_a_fork(lambda: examine(function, name), name)


def examine_in_a_fork(work: Callable[[], Verdict], name: str) -> Verdict:
    """Do an examination in a copy of this process, where the system can make one (Linux).

    Parameters
    ----------
    work : function () -> Verdict
        The examination.
    name : str
        What is examined, for the verdict of one whose process dies.

    Returns
    -------
    Verdict
    """
    if sys.platform != "linux":
        return work()
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def run() -> None:
        faulthandler.disable()  # a crash is told in a sentence
        limit_memory()
        os.environ.setdefault(*HYPOTHESIS)
        there.send_bytes(to_json(work()).encode())

    process = context.Process(target=run)
    process.start()
    there.close()
    try:
        if not here.poll(SECONDS):
            return _lost(name, f"it had not come to an end after {SECONDS:.0f} s")
        return from_json(here.recv_bytes().decode())
    except EOFError:
        process.join()
        return _lost(name, _ending(process.exitcode))
    finally:
        process.kill()
        process.join()


def check_file(file: Path, function: str | None, operation: str | None, backend: str) -> Verdict:
    """Examine a function of a Python file.

    Parameters
    ----------
    file : Path
        Python source.
    function : str or None
        The function's name; None if the file has only one that can be meant.
    operation : str or None
        Which operation it is; by default the function's name.
    backend : {"numpy", "numba-cuda"}
        "numba-cuda": kernels that the file launches run in Numba's simulator where there is no GPU.

    Returns
    -------
    Verdict

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it has no such function, or the operation isn't known.
    """
    if not file.is_file():
        raise FileNotFoundError(2, "no such file", str(file))
    arguments = ["minis.learn.checking.worker", str(file.resolve()), function or ""]
    return examine_elsewhere(
        [*arguments, operation or ""], function or file.name, simulated=backend == "numba-cuda"
    )


def examine_elsewhere(arguments: list[str], name: str, *, simulated: bool) -> Verdict:
    """Run a module that prints a verdict, in a process that is ended if it takes too long.

    Parameters
    ----------
    arguments : list of str
        The module, and what it is given.
    name : str
        What is examined.
    simulated : bool
        Whether kernels run in Numba's simulator where there is no GPU.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError
        With what the module says if it ends with status 2.
    """
    environment = dict(os.environ)
    environment.setdefault(*HYPOTHESIS)
    if simulated:
        from ...backend import unavailable

        if unavailable("numba-cuda"):
            environment["NUMBA_ENABLE_CUDASIM"] = "1"
    try:
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _lost(name, f"it had not come to an end after {SECONDS:.0f} s")
    last = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode == 0 and last.startswith("{"):
        return from_json(last)
    if done.returncode == 2:
        raise ValueError(json.loads(last)["error"])
    return _lost(name, _ending(done.returncode))


def limit_memory() -> None:
    """Let this process have no more than `MEMORY`, where the system can."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, OSError, ValueError):
        return


def _lost(name: str, text: str) -> Verdict:
    return Verdict(name, name, failure=Failure("lost", f"{text}; its process was ended", ""))


def _ending(status: int | None) -> str:
    if status is not None and status < 0:
        return f"its process died of signal {-status}"
    return f"its process ended with status {status}"
