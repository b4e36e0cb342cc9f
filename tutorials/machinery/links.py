"""Links and figures of the book that lead nowhere: `python -m tutorials.machinery.links`."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .chapter import BOOK


def broken(path: Path) -> list[str]:
    """Return the links of a Markdown file that lead to no file or to no heading.

    Addresses of other hosts are not looked up. An HTML comment, or code, has no links.
    """
    problems = []
    for target in _targets(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, heading = target.partition("#")
        file = (path.parent / name) if name else path
        if not file.exists():
            problems.append(f"{path.name}: there is no {name}")
        elif heading and heading not in anchors(file.read_text(encoding="utf-8")):
            problems.append(f"{path.name}: {name or path.name} has no heading #{heading}")
    return problems


def anchors(text: str) -> set[str]:
    """Return the anchors of a text's headings, as GitHub makes them.

    Examples
    --------
    >>> sorted(anchors("# 2. Convolution\\n## What, why?\\n"))
    ['2-convolution', 'what-why']
    """
    tokens = MarkdownIt().parse(text)
    titles = [
        following.content
        for token, following in itertools.pairwise(tokens)
        if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", t.replace("`", "").lower()).replace(" ", "-") for t in titles}


def _targets(text: str) -> list[str]:
    return [str(t) for token in MarkdownIt().parse(text) for t in _of(token)]


def _of(token: Token) -> list[str | int | float]:
    here = [token.attrs[name] for name in ("href", "src") if name in token.attrs]
    return here + [target for child in token.children or [] for target in _of(child)]


def main() -> int:
    """Print broken links; status 1 if there are any."""
    problems = [problem for path in sorted(BOOK.glob("*.md")) for problem in broken(path)]
    for problem in problems:
        print(problem)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
