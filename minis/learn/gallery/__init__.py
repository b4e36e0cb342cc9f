"""Learners' implementations, right and wrong: what `minis check` is tested on.

Each file of `wrong/` holds one operation, written from scratch with NumPy and one plausible
mistake. Its docstring says the mistake in a sentence, and a constant what the check must find:
CAUSE, a name in `minis.learn.mistakes`, or KIND, what is wrong in form (see `Trial.kind`). Each
file of `right/` holds an operation written otherwise than the library's, without a mistake.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Exhibit:
    """A file of the gallery.

    Attributes
    ----------
    path : Path
        The file.
    operation : str
        The operation of `minis.ops` that it holds, and the name of its function.
    sentence : str
        What is done wrong; in a right one, how it is done.
    cause : str
        The mistake's name in `minis.learn.mistakes`; empty if there is none.
    kind : str
        What is wrong in form, such as "dtype"; empty if the values are.
    """

    path: Path
    operation: str
    sentence: str
    cause: str = ""
    kind: str = ""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    def function(self) -> Callable[..., Any]:
        """Run the file, and return its function."""
        spec = importlib.util.spec_from_file_location(f"gallery_{self.name}", self.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found: Callable[..., Any] = getattr(module, self.operation)
        return found


def exhibits(room: str) -> list[Exhibit]:
    """List the files of the gallery in order of their names, without running them.

    Parameters
    ----------
    room : {"wrong", "right"}
        Which of them.

    Returns
    -------
    list of Exhibit

    Raises
    ------
    ValueError
        If there is no such room.

    Examples
    --------
    >>> first = exhibits("wrong")[0]
    >>> first.name, first.operation, first.cause
    ('avg_pool_backward_undivided', 'avg_pool_backward', 'forgets_to_divide')
    """
    if room not in ("wrong", "right"):
        raise ValueError(f"exhibits: room must be 'wrong' or 'right', got {room!r}")
    folder = Path(__file__).parent / room
    return [_read(path) for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]


def _read(path: Path) -> Exhibit:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    (operation,) = (name for name in functions if not name.startswith("_"))
    constants = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return Exhibit(
        path,
        operation,
        " ".join((ast.get_docstring(tree) or "").split()),
        constants.get("CAUSE", ""),
        constants.get("KIND", ""),
    )
