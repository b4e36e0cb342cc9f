"""The process in which a file's function is examined: `python -m minis.learn.checking.worker`.

It takes a file, a function's name and an operation's, the last two perhaps empty, and prints the
verdict as a line of JSON; {"error": text} and status 2 where there is nothing to examine.
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from minis import ops

from .codec import to_json
from .examine import examine
from .process import limit_memory
from .target import Target
from .verdict import Failure, Verdict


def main(file: str, function: str, operation: str) -> int:
    """Examine a function, and print the verdict."""
    limit_memory()
    try:
        module = load_module(Path(file))
    except BaseException as error:
        print(to_json(cannot_be_read(file, error)))
        return 0
    try:
        found = chosen(module, function, operation)
        name = operation or found.__name__
        Target(name)
    except ValueError as error:
        print(json.dumps({"error": str(error)}))
        return 2
    print(to_json(examine(found, name)))
    return 0


def chosen(module: ModuleType, function: str, operation: str) -> Callable[..., Any]:
    """Return the function of a module that is meant.

    Raises
    ------
    ValueError
        If there is none, or several may be meant.
    """
    mine = {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }
    if function:
        if function not in vars(module):
            raise ValueError(
                f"check: {module.__file__} has no function {function!r}; "
                f"it has {', '.join(mine) or 'none'}"
            )
        found: Callable[..., Any] = vars(module)[function]
        return found
    wanted = [n for n in mine if n == operation] or [n for n in mine if n in ops.__all__]
    if operation and not wanted and len(mine) == 1:
        wanted = list(mine)
    if len(wanted) != 1:
        raise ValueError(
            f"check: which function of {module.__file__} is meant? Name it: FILE::NAME. "
            f"It has {', '.join(mine) or 'none'}"
        )
    return mine[wanted[0]]


def load_module(file: Path) -> ModuleType:
    """Run a file as a module of its own; files beside it can be imported."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    sys.path.insert(0, str(file.parent))
    spec.loader.exec_module(module)
    return module


def cannot_be_read(file: str, error: BaseException) -> Verdict:
    """Say why a file can't be run, and in which line."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    where = f" in line {frames[-1].lineno}" if frames else ""
    if isinstance(error, SyntaxError):
        where = f" in line {error.lineno}: {(error.text or '').strip()}"
    text = f"the file can't be run: {type(error).__name__}: {getattr(error, 'msg', error)}{where}"
    return Verdict(Path(file).name, "a module", failure=Failure("file", text, ""))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
