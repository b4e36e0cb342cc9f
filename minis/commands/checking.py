"""`minis check`: a function of one's own, examined."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import app, output


@app.command(
    epilog="Example: `minis check my_conv.py`, or `minis check lab.py::my_pooling --op max_pool`"
)
def check(
    file: Annotated[str, typer.Argument(help="FILE.py, or FILE.py::NAME for one function of it.")],
    op: Annotated[
        str | None,
        typer.Option("--op", help="The operation that it is; by default the function's name."),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(help="numpy; or numba-cuda for a kernel, which runs in Numba's simulator."),
    ] = "numpy",
    picture: Annotated[
        Path | None, typer.Option(help="Also draw where values are wrong: a PNG file.")
    ] = None,
) -> None:
    """Have your own version of an operation examined by the specs that prove the library.

    Exit status 1 if something is wrong with it.
    """
    from ..learn.checking.picture import draw
    from ..learn.checking.process import check_file
    from ..learn.checking.screen import Screen

    if backend not in ("numpy", "numba-cuda"):
        raise ValueError(f"check: --backend must be numpy or numba-cuda, got {backend!r}")
    path, _, name = file.partition("::")
    verdict = check_file(Path(path), name or None, op, backend)
    output.print(Screen(verdict))
    if verdict.failure is None:
        return
    if picture and verdict.failure.got is not None:
        draw(verdict.failure, picture)
        output.print(f"picture: {picture}")
    raise typer.Exit(1)
