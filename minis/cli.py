"""The `minis` command.

Exit status: 0 if all went well, 1 where `check`, `exercise check`, `compare` or `adjoint` found
something wrong, 2 for anything wrong with what was given, 130 after Ctrl-C in training.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from . import __version__
from .backend import use
from .commands import checking, comparing, exercising, learning, looking, using
from .commands.console import app, errors, output

# importing them adds their commands
__all__ = ["app", "checking", "comparing", "exercising", "learning", "looking", "main", "using"]


@app.callback(invoke_without_command=True)
def options(
    backend: Annotated[
        str | None, typer.Option(help="auto, numpy, numba, numba-cuda or cupy.")
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        output.print(f"minis {__version__}")
        raise typer.Exit
    if backend:
        use(backend)


def main() -> None:
    """Run the command; what the user can mend is told in a line, without a traceback."""
    try:
        app()
    except (ValueError, TypeError, OSError, ImportError, ArithmeticError, MemoryError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.strerror and error.filename:
            text = f"{error.filename}: {error.strerror.lower()}"
        errors.print(f"error: {text}", style="red", markup=False)
        sys.exit(2)
