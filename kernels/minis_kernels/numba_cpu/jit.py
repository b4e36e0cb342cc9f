"""Compiling kernels, and keeping what was compiled.

Numba caches a compiled function until the file that defines it changes, although it may call
functions of other files, whose old code it would go on with. So the cache of this folder lies in
a place named by a digest of all its sources: other sources, another cache. Where no place can be
written, nothing is cached, and each process compiles anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import config, njit

SOURCES = Path(__file__).parent


def cache_folder(sources: Path = SOURCES) -> Path | None:
    """Return the folder that compiled kernels are kept in, or None where none can be written.

    It lies in `NUMBA_CACHE_DIR` if that is set, else beside the sources, else in the user's cache.

    Parameters
    ----------
    sources : Path
        The folder of the sources.

    Returns
    -------
    Path or None
        Made if it wasn't there. Older caches beside the sources are removed then.
    """
    digest = hashlib.sha256()
    for source in sorted(sources.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    name = f"kernels-{digest.hexdigest()[:16]}"
    beside = sources / "__pycache__"
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
                for old in set(beside.glob("kernels-*")) - {folder}:
                    shutil.rmtree(old, ignore_errors=True)
            return folder
    return None


FOLDER = cache_folder()


def jit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function with `numba.njit(**options)` when it is first called, cached in `FOLDER`.

    Examples
    --------
    >>> @jit()
    ... def twice(x):
    ...     return 2 * x
    >>> twice.py_func(21)
    42
    """

    def compiled(function: Callable[..., Any]) -> Any:
        if FOLDER is None:
            return njit(**options)(function)
        before = config.CACHE_DIR  # Numba reads it when a function is decorated
        config.CACHE_DIR = str(FOLDER)
        try:
            return njit(cache=True, **options)(function)
        finally:
            config.CACHE_DIR = before

    return compiled
