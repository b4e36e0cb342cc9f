"""The code of a chapter, run from top to bottom in one namespace, and compared with what it shows.

    python -m tutorials.machinery.running 02           compare: status 1 where anything differs
    python -m tutorials.machinery.running 02 --write   write outputs and figures into the chapter

The last expression of a piece of code is printed, as a notebook does. Figures that the code saves
are compared with those in tutorials/figures.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from .chapter import BOOK, Step, find, steps
from .comparing import same_output
from .figures import difference

FIGURES = BOOK / "figures"


def run(text: str, name: str, folder: Path) -> tuple[list[str], list[str]]:
    """Run a chapter's code in `folder`.

    Parameters
    ----------
    text : str
        The chapter.
    name : str
        Its file's name, for tracebacks.
    folder : Path
        Where its code works; figures lie in `folder`/figures afterwards.

    Returns
    -------
    outputs : list of str
        What each step printed.
    problems : list of str
        What differs from what is shown. An exception ends the run, and is one.
    """
    namespace: dict[str, Any] = {"__name__": "chapter"}
    outputs: list[str] = []
    problems: list[str] = []
    before = Path.cwd()
    os.chdir(folder)
    try:
        for step in steps(text):
            try:
                printed = _run(step, name, namespace)
            except Exception:
                problems.append(f"{name}:{step.line}: {traceback.format_exc(limit=-2)}")
                break
            outputs.append(printed)
            shown = step.output or ""
            if not same_output(printed, shown, step.tolerance):
                problems.append(
                    f"{name}:{step.line}: prints\n{printed}\nbut the chapter shows\n{shown}"
                )
    finally:
        os.chdir(before)
    return outputs, problems


def compare_figures(text: str, made: Path, kept: Path = FIGURES) -> list[str]:
    """Return what is wrong with the figures that a chapter's code made, and those that it shows."""
    problems = []
    for path in sorted(made.glob("*.svg")):
        told = difference(path, kept / path.name)
        if told:
            problems.append(f"figures/{path.name}: {told}")
        if f"figures/{path.name}" not in text:
            problems.append(f"figures/{path.name} is made, but not shown")
    return problems


def written(text: str, outputs: list[str]) -> str:
    """Return a chapter with what its code printed in place of what it showed.

    Examples
    --------
    >>> print(written("```python\\nprint(2)\\n```\\n", ["2\\n"]))
    ```python
    print(2)
    ```
    <BLANKLINE>
    ```text
    2
    ```
    """
    lines = text.splitlines()
    for step, output in reversed(list(zip(steps(text), outputs, strict=True))):
        info = lines[step.output_lines[0]] if step.output_lines else "```text"
        fence = [info, *output.rstrip("\n").splitlines(), "```"] if output else []
        if step.output_lines:
            first, end = step.output_lines
            if not fence:  # the blank line before it goes, too
                first = step.lines[1]
            lines[first:end] = fence
        elif fence:
            lines[step.lines[1] : step.lines[1]] = ["", *fence]
    return "\n".join(lines)


def _run(step: Step, name: str, namespace: dict[str, Any]) -> str:
    """Run one step; return what it printed, its last expression included."""
    tree = ast.parse(step.code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    ast.increment_lineno(tree, step.line - 1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, name, "exec"), namespace)
        if isinstance(last, ast.Expr):
            ast.increment_lineno(last, step.line - 1)
            value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
            if value is not None and not hasattr(value, "_repr_svg_"):
                print(value if hasattr(value, "_repr_html_") else repr(value))
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n" * bool(
        printed.getvalue()
    )


def main(arguments: list[str] | None = None) -> int:
    """Run chapters; print what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("chapter", help="how its file's name begins, such as 02")
    parser.add_argument("--write", action="store_true", help="write outputs and figures")
    given = parser.parse_args(arguments)
    path = find(given.chapter)
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outputs, problems = run(text, path.name, folder)
        made = folder / "figures"
        if given.write and len(outputs) == len(list(steps(text))):
            text = written(text, outputs)
            path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
            for figure in made.glob("*.svg"):
                shutil.copyfile(figure, FIGURES / figure.name)
            problems = []
        problems += compare_figures(text, made)
    for problem in problems:
        print(problem)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
