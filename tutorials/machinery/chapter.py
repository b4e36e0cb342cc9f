"""A chapter's code and the output that it shows, read from Markdown.

A fence of ```python is code. A fence of ```text right after it is what that code prints; with
```text tolerance=0.05, numbers there may be off by so much. Other fences are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

BOOK = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Step:
    """A piece of code, and what it prints.

    Attributes
    ----------
    code : str
        Python.
    line : int
        Of the file, where the code begins, counted from 1.
    lines : (int, int)
        Of the code's fence: the first, and the one after the last, counted from 0.
    output : str or None
        What it prints; None if the chapter shows nothing.
    output_lines : (int, int) or None
        Of the output's fence.
    tolerance : float
        How far numbers may be off.
    """

    code: str
    line: int
    lines: tuple[int, int]
    output: str | None = None
    output_lines: tuple[int, int] | None = None
    tolerance: float = 0.0


def chapters() -> list[Path]:
    """Return the files of all chapters, in order."""
    return sorted(BOOK.glob("[0-9][0-9]_*.md"))


def find(number: str) -> Path:
    """Return the chapter whose file's name begins so.

    Raises
    ------
    ValueError
        If none or several do.
    """
    found = [path for path in chapters() if path.name.startswith(number)]
    if len(found) != 1:
        names = ", ".join(path.name for path in chapters())
        raise ValueError(f"chapter: {number!r} names {len(found)} of {names}")
    return found[0]


def orphans(text: str) -> list[int]:
    """Return the lines, from 1, of ```text fences that are no code's output, such as a stale one.

    Examples
    --------
    >>> orphans("```python\\n1\\n```\\n```text\\n1\\n```\\nSo:\\n```text\\n2\\n```\\n")
    [8]
    """
    outputs = {step.output_lines[0] for step in steps(text) if step.output_lines}
    return [
        token.map[0] + 1
        for token in MarkdownIt().parse(text)
        if token.type == "fence" and token.map and token.info.split()[:1] == ["text"]
        if token.map[0] not in outputs
    ]


def steps(text: str) -> Iterator[Step]:
    """Read the code of a chapter, in order.

    Parameters
    ----------
    text : str
        Markdown.

    Yields
    ------
    Step

    Examples
    --------
    >>> text = "Look:\\n```python\\nprint(1)\\n```\\n\\n```text\\n1\\n```\\n"
    >>> [(step.code, step.output) for step in steps(text)]
    [('print(1)\\n', '1\\n')]
    """
    tokens = [t for t in MarkdownIt().parse(text) if t.type != "inline"]
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type != "fence" or token.info.split()[:1] != ["python"] or token.map is None:
            continue
        first, end = token.map
        lines = first, end
        if following is None or following.type != "fence" or following.map is None:
            yield Step(token.content, first + 2, lines)
            continue
        kind = following.info.split()[:1]
        if kind != ["text"]:
            yield Step(token.content, first + 2, lines)
            continue
        tolerance = re.search(r"tolerance=(\S+)", following.info)
        yield Step(
            token.content,
            first + 2,
            lines,
            following.content,
            (following.map[0], following.map[1]),
            float(tolerance[1]) if tolerance else 0.0,
        )
