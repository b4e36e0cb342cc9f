"""Which implementation serves an operation: the NumPy text, or a kernel.

Every public operation of `minis.ops` is a readable NumPy function under one decorator,
`accelerated`. Called, it asks the active backend for a kernel of the same name and signature.
Where there is none, or the kernel declines the arguments by returning `NotImplemented`, the
NumPy text runs. A kernel also declines whatever is malformed, so that every error message is
the NumPy text's.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from types import ModuleType
from typing import Any

import numpy as np

import minis_kernels

from . import gpu
from .observer import observer

BACKENDS = ("auto", "numpy", "numba", "numba-cuda", "cupy")

# None stands for "not chosen yet": then the environment variable decides.
_active: ContextVar[str | None] = ContextVar("minis_backend", default=None)


class BackendUnavailableError(ImportError):
    """A backend was asked for that can't run here; the text says what to install."""


class use:
    """Set the backend, for good or for a `with` block.

    Parameters
    ----------
    name : {"auto", "numpy", "numba", "numba-cuda", "cupy"}
        `auto`, the default, sends NumPy arrays to `numba` where it is installed, else to the
        NumPy text, and CuPy arrays to `cupy`.

    Raises
    ------
    ValueError
        If there is no backend of that name.
    BackendUnavailableError
        If the backend can't run here; the text says what to install.

    Notes
    -----
    The choice is a context variable: it holds for the current thread or task. A new thread
    begins with the backend that `MINIS_BACKEND` names, or with `auto`.

    Examples
    --------
    >>> import minis
    >>> with minis.use("numpy"):
    ...     minis.active_backend()
    'numpy'
    """

    def __init__(self, name: str) -> None:
        _check_name(name, "use")
        problem = unavailable(name)
        if problem:
            raise BackendUnavailableError(f"minis.use({name!r}): {problem}")
        self.name = name
        self._tokens: list[Token[str | None]] = [_active.set(name)]
        self._fresh = True  # the first `with` on this object goes with the choice just made

    def __enter__(self) -> use:
        if not self._fresh:
            self._tokens.append(_active.set(self.name))
        self._fresh = False
        return self

    def __exit__(self, *exception: object) -> None:
        _active.reset(self._tokens.pop())

    def __repr__(self) -> str:
        return f"<minis backend {self.name!r}>"


def active_backend() -> str:
    """Return the name of the backend in force: the last `use`, or `MINIS_BACKEND`, or "auto"."""
    name = _active.get()
    if name is None:
        name = os.environ.get("MINIS_BACKEND") or "auto"
        _check_name(name, "the environment variable MINIS_BACKEND")
        problem = unavailable(name)
        if problem:
            raise BackendUnavailableError(f"MINIS_BACKEND={name}: {problem}")
        _active.set(name)
    return name


# Backends of the GPU, and the variable that has each of them imitated on the CPU: by Numba's
# simulator, or by compiling CUDA C++ for the CPU.
IMITATED_BY = {"numba-cuda": "NUMBA_ENABLE_CUDASIM", "cupy": "MINIS_CUDA_EMULATION"}


def imitated(backend: str) -> bool:
    """Tell whether `backend` is one of the GPU's that takes NumPy arrays and runs on the CPU.

    Examples
    --------
    >>> imitated("numba")
    False
    """
    return os.environ.get(IMITATED_BY.get(backend, "")) == "1"


def unavailable(name: str) -> str | None:
    """Say why backend `name` can't run here, or None where it can.

    Examples
    --------
    >>> unavailable("numpy") is None
    True
    """
    return None if imitated(name) else _problem(name)


@functools.cache
def _problem(name: str) -> str | None:
    if name in ("auto", "numpy"):
        return None
    if name in ("numba", "numba-cuda") and importlib.util.find_spec("numba") is None:
        return "Numba is not installed: pip install numba"
    if name == "numba":
        try:
            importlib.import_module("minis_kernels.numba_cpu")
        except ImportError as error:
            return f"the kernels can't be imported: {error}; see `minis doctor`"
    if name == "numba-cuda":
        problem = gpu.numba_problem()
        return problem and f"{problem}; or NUMBA_ENABLE_CUDASIM=1 runs the kernels in a simulator"
    if name == "cupy":
        return gpu.cupy_problem()
    return None


def gpu_problem() -> str | None:
    """Say why arrays can't lie on a GPU here, or None where they can; an imitation is none."""
    return _problem("cupy")


def array_namespace(x: Any) -> ModuleType:
    """Return the module that `x` belongs to: `numpy`, or `cupy` for an array on the GPU.

    An array of another kind names its own, by the method of the Python array API standard.

    Examples
    --------
    >>> array_namespace(np.zeros(2)).__name__
    'numpy'
    """
    if type(x).__module__.partition(".")[0] == "cupy":
        return sys.modules["cupy"]
    if not isinstance(x, np.ndarray) and hasattr(x, "__array_namespace__"):
        namespace: ModuleType = x.__array_namespace__()
        return namespace
    return np


def on_cpu(x: Any) -> Any:
    """Return a NumPy array as it is, and a copy of a CuPy array in the CPU's memory."""
    return x if isinstance(x, np.ndarray) else x.get()


def beside(other: Any, x: Any, dtype: Any = None) -> Any:
    """Return `x` where the array `other` is, on the CPU or the GPU; copied only if need be.

    Examples
    --------
    >>> beside(np.zeros(3), np.ones(2), np.float32)
    array([1., 1.], dtype=float32)
    """
    xp = array_namespace(other)
    return xp.asarray(x if array_namespace(x) is xp or xp is not np else on_cpu(x), dtype=dtype)


def kernel_for(operation: str, *arrays: Any) -> Callable[..., Any] | None:
    """Return the kernel that the active backend has for `operation` on `arrays`, or None.

    Parameters
    ----------
    operation : str
        Name of a function of `minis.ops`.
    *arrays
        The operation's arguments; one on the GPU sends it to a GPU backend.

    Returns
    -------
    callable or None
        None means that the NumPy text serves it.
    """
    backend = active_backend()
    if backend == "numpy":
        return None
    on_gpu = any(array_namespace(a) is not np for a in arrays)
    if backend == "auto":
        backend = "cupy" if on_gpu else "numba"
        if unavailable(backend):
            return None
    if on_gpu != (backend in IMITATED_BY and not imitated(backend)):
        return None  # the array lies where this backend's kernels don't reach
    return minis_kernels.find(backend, operation)


def serve(
    reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
) -> tuple[Any, Callable[..., Any] | None]:
    """Return an operation's result, and the kernel that served it; None for the NumPy text."""
    kernel = kernel_for(reference.__name__, *args, *options.values())
    if kernel is not None:
        result = kernel(*args, **options)
        if result is not NotImplemented:
            return result, kernel
    return reference(*args, **options), None


def accelerated(reference: Callable[..., Any]) -> Any:
    """Let the active backend's kernel of the same name serve this operation.

    The NumPy function stays in reach as the attribute `reference`.
    """

    @functools.wraps(reference)
    def dispatch(*args: Any, **options: Any) -> Any:
        onlooker = observer.get()
        if onlooker is not None:  # it calls `serve` too
            return onlooker.operation(reference, args, options)
        return serve(reference, args, options)[0]

    dispatch.reference = reference  # type: ignore[attr-defined]
    return dispatch


def _check_name(name: str, where: str) -> None:
    if name not in BACKENDS:
        raise ValueError(f"{where}: no backend {name!r}; there are {', '.join(BACKENDS)}")
