"""Compiling kernels, and keeping what was compiled.

Numba caches a compiled function until the file that defines it changes, although it may call
functions of other files, whose old code it would go on with. So what a file's kernels compile to
lies in a folder named by a digest of that file and of all files here that it imports: other
sources, another cache. Where no place can be written, nothing is cached, and each process compiles
anew.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit

functions: list[Any] = []  # all that `jit` has made

_lock = threading.Lock()  # over Numba's setting, while a function is decorated


def sources(file: Path) -> set[Path]:
    """Return `file` and all that it imports from its own folder, directly or through another.

    Examples
    --------
    >>> sorted(path.name for path in sources(Path(__file__)))
    ['jit.py']
    """
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        source = waiting.pop()
        if source not in found and source.exists():
            found.add(source)
            waiting += _imported(source)
    return found


@functools.cache  # files import the same few: reading them for each would cost 0.1 s
def _imported(file: Path) -> tuple[Path, ...]:
    """Return the files that `file` names in its relative imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names += [node.module] if node.module else [alias.name for alias in node.names]
    return tuple(file.parent / f"{name}.py" for name in names)


@functools.cache
def cache_folder(file: Path) -> Path | None:
    """Return the folder that the compiled kernels of `file` are kept in.

    It lies in `NUMBA_CACHE_DIR` if that is set, else beside the sources, else in the user's cache.

    Parameters
    ----------
    file : Path
        Where the kernels are defined.

    Returns
    -------
    Path or None
        Made if it wasn't there; the file's older caches beside the sources are removed then. None
        where no place can be written.
    """
    digest = hashlib.sha256()
    for source in sorted(sources(file)):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    name = f"kernels-{file.stem}-{digest.hexdigest()[:16]}"
    beside = file.parent / "__pycache__"
    user = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "minis"
    given = os.environ.get("NUMBA_CACHE_DIR")
    for place in ([Path(given)] if given else []) + [beside, user]:
        folder = place / name
        with contextlib.suppress(OSError):
            fresh = not folder.exists()
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f"probe-{os.getpid()}"
            probe.touch()
            probe.unlink()
            if fresh and place == beside:
                for old in set(beside.glob(f"kernels-{file.stem}-{'[0-9a-f]' * 16}")) - {folder}:
                    shutil.rmtree(old, ignore_errors=True)
            return folder
    return None


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with `numba.njit(**options)` when it is first called, and cache it.

    Unless the options say otherwise, it lets other Python threads run while it runs.

    Examples
    --------
    >>> @jit()
    ... def twice(x):
    ...     return 2 * x
    >>> twice.py_func(21)
    42
    """

    def compiled(function: Callable[..., Any]) -> Any:
        file = Path(function.__code__.co_filename)
        folder = cache_folder(file) if file.exists() else None
        with _lock:
            dispatcher = _decorated(function, folder, {"nogil": True, **options})
            functions.append(dispatcher)
        return dispatcher

    return compiled


def _decorated(function: Callable[..., Any], folder: Path | None, options: dict[str, Any]) -> Any:
    if folder is None:
        return njit(**options)(function)
    before = config.CACHE_DIR  # Numba reads it when a function is decorated
    config.CACHE_DIR = str(folder)
    try:
        return njit(cache=True, **options)(function)
    finally:
        config.CACHE_DIR = before
