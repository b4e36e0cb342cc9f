"""`minis exercise`: a ladder of functions to write."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table

from .console import app, output

if TYPE_CHECKING:
    from ..learn.exercises.exercise import Exercise
    from ..learn.exercises.progress import Progress

group = typer.Typer(
    help="Exercises: write the operations yourself, from a window's size to CUDA.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.add_typer(group, name="exercise", epilog="Example: `minis exercise start`")

Name = Annotated[str | None, typer.Argument(help="By default the one you are at.")]
Folder = Annotated[Path, typer.Option(help="Where your files lie.")]
HERE = Path(".")


@group.command("list")
def list_(folder: Folder = HERE) -> None:
    """Show all exercises, and how far you are."""
    from ..learn.exercises.ladder import LADDER
    from ..learn.exercises.progress import load

    progress = load(folder)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("exercise", "chapter", "lines", "what", "you"):
        table.add_column(title, justify="right" if title in ("chapter", "lines") else "left")
    for exercise in LADDER:
        standing = progress.of(exercise.name)
        style = "green" if standing.solved else "yellow" if standing.started else ""
        cells = (str(exercise.chapter), str(exercise.lines), exercise.title, str(standing))
        table.add_row(exercise.name, *map(escape, cells), style=style)
    output.print(table)
    solved = sum(bool(progress.of(exercise.name).solved) for exercise in LADDER)
    output.print(f"\n{solved} of {len(LADDER)} solved.\n{_what_next(progress)}")


@group.command(epilog="Example: `minis exercise start output-size`")
def start(
    name: Annotated[
        str | None, typer.Argument(help="By default the first that isn't solved.")
    ] = None,
    folder: Folder = HERE,
) -> None:
    """Write the file that you begin with, and say what is to be done."""
    from ..data.images import write_text
    from ..learn.exercises.ladder import LADDER, find
    from ..learn.exercises.progress import load

    progress = load(folder)
    exercise = find(name or progress.following or LADDER[0].name)
    file = folder / exercise.file
    if file.exists():
        raise ValueError(
            f"exercise start: {file} is there already, and is left as it is; "
            f"go on with it, or rename it to begin anew"
        )
    folder.mkdir(parents=True, exist_ok=True)
    write_text(file, exercise.stub.rstrip("\n"))
    standing = progress.of(exercise.name)
    standing.started = standing.started or _today()
    progress.current = exercise.name
    progress.save()
    where = "" if folder == HERE else f" --folder {folder}"
    told = escape(_reflowed(exercise.statement))
    output.print(Panel(told, title=escape(exercise.title), title_align="left"))
    output.print(
        f"Wrote [bold]{escape(str(file))}[/bold]. Open it in an editor, write what it leaves "
        f"to you, then:\n\n    minis exercise check{escape(where)}\n\n"
        f"Stuck? [bold]minis exercise hint[/bold] tells a little; there are "
        f"{len(exercise.hints)}. It is explained in chapter {exercise.chapter} of the book."
    )


@group.command(epilog="Example: `minis exercise check`")
def check(name: Name = None, folder: Folder = HERE) -> None:
    """Have your file examined. Exit status 1 if something is wrong with it."""
    from ..learn.checking.screen import Screen
    from ..learn.exercises.examination import examine_file
    from ..learn.exercises.progress import load

    progress = load(folder)
    exercise = _current(name, progress)
    file = folder / exercise.file
    if not file.is_file():
        raise ValueError(
            f"exercise check: there is no {file}; `minis exercise start {exercise.name}` makes it"
        )
    with output.status(f"trying {file} on drawn arguments"):
        verdict = examine_file(file, exercise)
    standing = progress.of(exercise.name)
    if not standing.solved:
        standing.checks += 1
        standing.solved = _today() if verdict.passed else ""
    progress.current = exercise.name
    progress.save()
    output.print(f"{exercise.name}: {escape(str(file))}\n", style="dim")
    output.print(Screen(verdict))
    if not verdict.passed:
        left = len(exercise.hints) - standing.hints
        more = f"; hints left: {left}, minis exercise hint" if left > 0 else ""
        output.print(f"\nChange {escape(str(file))}, and check again{more}.")
        raise typer.Exit(1)
    output.print(f"\nThe library does it in {exercise.where}.\n{_what_next(progress)}")


@group.command(epilog="Example: `minis exercise hint`")
def hint(name: Name = None, folder: Folder = HERE) -> None:
    """Show the next hint, and those before it."""
    from ..learn.exercises.progress import load

    progress = load(folder)
    exercise = _current(name, progress)
    standing = progress.of(exercise.name)
    if standing.hints < len(exercise.hints):
        standing.hints += 1
        progress.save()
    for i, text in enumerate(exercise.hints[: standing.hints], 1):
        output.print(f"{i}. {escape(text)}")
    left = len(exercise.hints) - standing.hints
    output.print(
        f"\nHints left: {left}."
        if left
        else "\nThat was the last one; minis exercise solution shows the solution."
    )


@group.command(epilog="Example: `minis exercise solution output-size`")
def solution(name: Name = None, folder: Folder = HERE) -> None:
    """Show the solution. Your own file stays as it is."""
    from ..learn.exercises.progress import load

    progress = load(folder)
    exercise = _current(name, progress)
    standing = progress.of(exercise.name)
    if not standing.solved:
        standing.looked = True
        progress.save()
    output.print(Syntax(exercise.solution, "python", background_color="default"))


def _current(name: str | None, progress: Progress) -> Exercise:
    """Return the exercise that is meant."""
    from ..learn.exercises.ladder import find

    if not (name or progress.current):
        raise ValueError(
            f"exercise: none has been started in {progress.folder.resolve()}; "
            f"`minis exercise start` begins with {progress.following}"
        )
    return find(name or progress.current)


def _what_next(progress: Progress) -> str:
    """Say how to go on."""
    following = progress.following
    if not following:
        return "That was the last one."
    standing = progress.of(following)
    verb = "check" if standing.started else "start"
    return f"Next: [bold]minis exercise {verb} {following}[/bold]"


def _reflowed(text: str) -> str:
    """Join the lines of each paragraph, so that the terminal breaks them; leave formulas alone."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(p if "\n    " in f"\n{p}" else p.replace("\n", " ") for p in paragraphs)


def _today() -> str:
    return datetime.date.today().isoformat()
