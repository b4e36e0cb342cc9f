"""Measured times in the chapters: tables and charts from `benchmarks/results`.

    python -m tutorials.machinery.measured --write    write them into all chapters
    python -m tutorials.machinery.measured            status 1 where one is out of date

A chapter says where one belongs, and which rows of `python -m benchmarks ladder` it shows:

    <!-- measured: ladder-conv -->
    <!-- end of measured -->
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from benchmarks.results import RESULTS, Report, Row, read_machines
from benchmarks.summary import extra_memory, seconds
from benchmarks.tables import exactness, milliseconds, rung_name
from benchmarks.task import CPU
from minis.learn.drawing import COLOURS, INK, figure, save

from .chapter import BOOK, chapters
from .figures import difference

PLACE = re.compile(
    r"(?P<begin><!-- measured: (?P<key>[\w-]+) -->\n).*?(?P<end><!-- end of measured -->)",
    re.DOTALL,
)


def up_to_date(text: str, prefix: str, figures: Path) -> str:
    """Return a chapter with its measured tables as they are now; draw their charts.

    Parameters
    ----------
    text : str
        The chapter.
    prefix : str
        Of its figures' names, such as "02".
    figures : Path
        Where the charts go.
    """
    report = _report()

    def again(found: re.Match[str]) -> str:
        row = next(row for row in report.rows if row.key == found["key"])
        name = f"{prefix}-{row.key}"
        _draw(row, name, figures)
        shown = f"![{row.label}: time of each version](figures/{name}.svg)\n\n{_table(report, row)}"
        return f"{found['begin']}\n{shown}\n\n{found['end']}"

    return PLACE.sub(again, text)


def _report() -> Report:
    """Return the ladder of the first machine that has one."""
    for _, reports in read_machines(RESULTS, CPU, ["ladder"]):
        if "ladder" in reports:
            return reports["ladder"]
    raise FileNotFoundError(2, "no results of `python -m benchmarks ladder`", str(RESULTS))


def _table(report: Report, row: Row) -> str:
    lines = ["| version | ms | extra MiB | error |", "|:--|--:|--:|--:|"]
    for name, side in row.sides.items():
        memory = extra_memory(side)
        extra = "–" if memory is None else f"{memory / 2**20:.0f}"
        cells = rung_name(row, name), milliseconds(side), extra, exactness(side)
        lines.append(f"| {' | '.join(cells)} |")
    machine = report.machine
    told = (
        f"{row.label}, float32, measured on {report.settings['date']} on {machine['processor']}, "
        f"{machine['cores']} cores, NumPy {machine['NumPy']}, PyTorch {machine['PyTorch']}: "
        "`python -m benchmarks ladder`. Errors are against float64, of the largest output."
    )
    return "\n".join(lines) + f"\n\n*{told}*"


def _draw(row: Row, name: str, figures: Path) -> None:
    timed = [(n, seconds(side)) for n, side in row.sides.items()][::-1]
    shown = {n: 1000 * time.median for n, time in timed if time}
    times = list(shown.values())
    fig, axes = figure(7, 0.7 + 0.32 * len(shown))
    colours = [COLOURS["grey" if n == "torch" else "blue"] for n in shown]
    axes.barh([rung_name(row, n) for n in shown], times, color=colours, height=0.65)
    axes.set_xscale("log")
    axes.set_xlim(min(times) / 2, max(times) * 3)
    for at, time in enumerate(times):
        axes.text(time * 1.1, at, f"{time:.3g}", va="center", color=INK, fontsize=9)
    axes.set_xlabel("milliseconds, on a logarithmic scale")
    save(fig, name, figures)


def main(arguments: list[str] | None = None) -> int:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args(arguments)
    kept = BOOK / "figures"
    stale = []
    for path in chapters():
        text = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder)
            new = up_to_date(text, path.name[:2], made)
            charts = [f.name for f in made.glob("*.svg") if difference(f, kept / f.name)]
            if given.write:
                for name in charts:
                    (kept / name).write_bytes((made / name).read_bytes())
        if new != text or charts:
            stale.append(path.name)
            if given.write:
                path.write_text(new, encoding="utf-8")
    for name in stale:
        print(f"{name}: measured times {'written' if given.write else 'are out of date'}")
    return int(bool(stale) and not given.write)


if __name__ == "__main__":
    sys.exit(main())
