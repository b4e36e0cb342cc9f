"""The README's table of operations, written from the specs and the registry of kernels.

python -m minis.learn.operations                    prints it
python -m minis.learn.operations --write README.md  puts it between the file's markers
"""

from __future__ import annotations

import argparse
from pathlib import Path

import minis_kernels

from .. import ops
from .specs import SPECS

START, END = "<!-- operations: begin -->", "<!-- operations: end -->"
BACKENDS = ("numba", "numba-cuda", "cupy")


def table() -> str:
    """Return the table as Markdown: a row for each operation, grouped by family.

    Examples
    --------
    >>> print(table().splitlines()[0])
    | family | operation | axes | backward | kernels | defined in |
    """
    lines = [
        "| family | operation | axes | backward | kernels | defined in |",
        "|---|---|---|---|---|---|",
    ]
    families = dict.fromkeys(spec.family for spec in SPECS.values())
    for family in families:
        for spec in (s for s in SPECS.values() if s.family == family):
            backward = "yes" if f"{spec.name}_backward" in ops.__all__ else "–"
            kernels = [b for b in BACKENDS if spec.name in minis_kernels.KERNELS[b]]
            lines.append(
                f"| {family} | `{spec.name}` | {spec.axes or '–'} | {backward} | "
                f"{', '.join(kernels) or '–'} | {spec.source} |"
            )
    return "\n".join(lines)


def rewritten(text: str) -> str:
    """Return `text` with what stands between the markers replaced by the table.

    Raises
    ------
    ValueError
        If the markers are missing.
    """
    if START not in text or END not in text:
        raise ValueError(f"operations: the text must contain {START} and {END}")
    before, rest = text.split(START, 1)
    _, after = rest.split(END, 1)
    return f"{before}{START}\n{table()}\n{END}{after}"


def main() -> None:
    """Print the table, or write it into a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", type=Path, metavar="FILE", help="rewrite FILE's table")
    path = parser.parse_args().write
    if path is None:
        print(table())
    else:
        path.write_text(rewritten(path.read_text()))


if __name__ == "__main__":
    main()
