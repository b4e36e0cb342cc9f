"""The chapters as notebooks, for Jupyter and Colab.

    python -m tutorials.machinery.notebooks --write    write tutorials/notebooks
    python -m tutorials.machinery.notebooks            status 1 where one is out of date

A notebook begins with a cell that installs this release. Its figures are loaded from the
repository, as relative paths lead nowhere in Colab. Cell ids follow from their order, so that a
small change of a chapter is a small change of its notebook.
"""

from __future__ import annotations

import argparse
import posixpath
import re
import sys
import tomllib

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import minis

from .chapter import BOOK, chapters, steps

FOLDER = BOOK / "notebooks"
LINK = re.compile(r"(!?\[[^\]]*\]\()(?!https?:|#)([^)\s]+)(\))")


def repository() -> str:
    """Return the address of the repository, from pyproject.toml."""
    with (BOOK.parent / "pyproject.toml").open("rb") as file:
        urls = tomllib.load(file)["project"]["urls"]
    return str(urls["Repository"])


def in_repository(path: str, *, raw: bool = False) -> str:
    """Return the address of a file or folder, given from the repository's root, in this release.

    With `raw`, it is the file itself, not a page that shows it.
    """
    kind = "raw" if raw else "tree" if (BOOK.parent / path).is_dir() else "blob"
    return f"{repository()}/{kind}/v{minis.__version__}/{path}"


def notebook(text: str) -> nbformat.NotebookNode:
    """Make a notebook of a chapter.

    Parameters
    ----------
    text : str
        Markdown.

    Examples
    --------
    >>> cells = notebook("# Title\\n\\n```python\\n1 + 1\\n```\\n\\n```text\\n2\\n```\\n").cells
    >>> [cell.cell_type for cell in cells]
    ['code', 'markdown', 'code']
    >>> cells[2].outputs[0].text
    '2\\n'
    """
    install = f'%pip install --quiet "minis[data,learn] @ git+{repository()}@v{minis.__version__}"'
    cells = [new_code_cell(install)]
    lines = text.splitlines()
    at = 0
    for step in steps(text):
        _add_text(cells, lines[at : step.lines[0]])
        cell = new_code_cell(step.code.rstrip("\n"))
        if step.output:
            cell.outputs = [new_output("stream", name="stdout", text=step.output)]
        cells.append(cell)
        at = step.output_lines[1] if step.output_lines else step.lines[1]
    _add_text(cells, lines[at:])
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03}"
    python = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    made = new_notebook(cells=cells, metadata=python)
    nbformat.validate(made)
    return made


def _add_text(cells: list[nbformat.NotebookNode], lines: list[str]) -> None:
    text = "\n".join(lines).strip("\n")
    if text:
        cells.append(new_markdown_cell(LINK.sub(_absolute, text)))


def _absolute(link: re.Match[str]) -> str:
    """Let figures and other files be found from anywhere."""
    path = posixpath.normpath(f"tutorials/{link[2]}")
    return f"{link[1]}{in_repository(path, raw=link[1].startswith('!'))}{link[3]}"


def main(arguments: list[str] | None = None) -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    stale = []
    for path in chapters():
        made = nbformat.writes(notebook(path.read_text(encoding="utf-8")), indent=1) + "\n"
        kept = FOLDER / f"{path.stem}.ipynb"
        if not kept.exists() or kept.read_text(encoding="utf-8") != made:
            stale.append(kept.name)
            if given.write:
                FOLDER.mkdir(exist_ok=True)
                kept.write_text(made, encoding="utf-8")
    for name in stale:
        print(f"{name}: {'written' if given.write else 'is out of date'}")
    return int(bool(stale) and not given.write)


if __name__ == "__main__":
    sys.exit(main())
