"""The exercises of a chapter, written into it from their solutions.

    python -m tutorials.machinery.exercises --write    write them into all chapters
    python -m tutorials.machinery.exercises            status 1 where one is out of date

A chapter says where one belongs, and what it shows there comes from `minis.learn.exercises`:

    <!-- exercise: im2col -->
    <!-- end of exercise -->
"""

from __future__ import annotations

import argparse
import ast
import re
import sys

from minis.learn.exercises.exercise import Exercise
from minis.learn.exercises.ladder import find

from .chapter import chapters

PLACE = re.compile(
    r"(?P<begin><!-- exercise: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end of exercise -->)",
    re.DOTALL,
)


def shown(exercise: Exercise) -> str:
    """Return the Markdown of an exercise.

    Examples
    --------
    >>> print(shown(find("im2col")).splitlines()[0])
    ### Exercise: windows as columns: im2col
    """
    title = exercise.title[0].lower() + exercise.title[1:]
    hints = "\n".join(
        f"<details>\n<summary>Hint {i}</summary>\n\n{_escaped(hint)}\n\n</details>\n"
        for i, hint in enumerate(exercise.hints, 1)
    )
    return f"""### Exercise: {title}

{_escaped(_quoted(exercise.statement))}

```python
{_body(exercise.stub)}
```

`minis exercise start {exercise.name}` puts this into a file, and `minis exercise check` examines
what you make of it. In a notebook, run
`minis.learn.check_exercise({exercise.function}, "{exercise.name}")`.

{hints}
<details>
<summary>Solution</summary>

```python
{_body(exercise.solution)}
```

</details>
"""


def up_to_date(text: str) -> str:
    """Return a chapter with its exercises as they are now."""

    def again(found: re.Match[str]) -> str:
        exercise = find(found["name"])
        return f"{found['begin']}\n{shown(exercise)}\n{found['end']}"

    return PLACE.sub(again, text)


def _body(source: str) -> str:
    """Leave the module's docstring out: the chapter says what it says."""
    tree = ast.parse(source)
    return "\n".join(source.splitlines()[tree.body[0].end_lineno :]).strip("\n")


def _quoted(text: str) -> str:
    """Turn indented formulas into blocks of text."""
    return re.sub(
        r"(?:^    .*\n?)+",
        lambda block: "```text\n" + re.sub(r"^    ", "", block[0], flags=re.M).rstrip() + "\n```\n",
        text,
        flags=re.MULTILINE,
    )


def _escaped(text: str) -> str:
    """Keep Markdown from taking a lone * for emphasis."""
    parts = re.split(r"(```.*?```|`[^`]*`)", text, flags=re.DOTALL)
    return "".join(p if p.startswith("`") else p.replace("*", r"\*") for p in parts)


def main(arguments: list[str] | None = None) -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    stale = []
    for path in chapters():
        text = path.read_text(encoding="utf-8")
        new = up_to_date(text)
        if new != text:
            stale.append(path.name)
            if given.write:
                path.write_text(new, encoding="utf-8")
    for name in stale:
        print(f"{name}: exercises {'written' if given.write else 'are out of date'}")
    return int(bool(stale) and not given.write)


if __name__ == "__main__":
    sys.exit(main())
