"""Commands that hold something against something: a network, or an operation's backward."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import MODEL_HELP, VARIANT_HELP, app, output


@app.command(epilog="Example: `minis compare unet --against my_unet.py::Net`")
def compare(
    model: Annotated[str, typer.Argument(help=f"{MODEL_HELP[:-1]}; or a file of `minis train`.")],
    against: Annotated[
        str,
        typer.Option(
            help="FILE.py::NAME, a PyTorch module of your own or what makes one: the file is run. "
            "Or torch: the same network, each operation done by PyTorch."
        ),
    ] = "torch",
    shape: Annotated[
        str | None, typer.Option("--input", help="Shape of the input: N,C,H,W or N,C,D,H,W.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help=VARIANT_HELP)] = None,
    classes: Annotated[int | None, typer.Option(help="Classes, by default 2.", min=1)] = None,
    inference: Annotated[
        bool, typer.Option("--inference", help="Only forward, both in eval().")
    ] = False,
    float32: Annotated[bool, typer.Option("--float32", help="Compute in float32.")] = False,
    keep_weights: Annotated[
        bool, typer.Option("--keep-weights", help="Don't copy our weights into yours.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="List every layer and weight.")] = False,
) -> None:
    """Compare a network with one in PyTorch, layer by layer, and name the first that differs.

    Both get the same weights and input; results and gradients of every layer are compared. Exit
    status 1 if they part.
    """
    from ..learn.comparing.command import Request, run

    request = Request(model, against, shape, variant, classes, inference, float32, keep_weights)
    agree = True
    for title, found in run(request):
        output.print(title, markup=False)
        if isinstance(found, str):
            output.print(found, markup=False)
            agree = False
            continue
        output.print(found.text(every=every, names=every))
        agree = agree and found.agree
    if against == "torch":
        output.print("Against a network of your own: --against FILE.py::NAME", markup=False)
    if not agree:
        raise typer.Exit(1)


@app.command(epilog="Example: `minis adjoint conv --set stride=2 --set side=5 --out conv.png`")
def adjoint(
    operation: Annotated[
        str,
        typer.Argument(
            help="conv, conv_transpose, max_pool, max_unpool, avg_pool, interpolate, roi_align."
        ),
    ],
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="An option of it: stride=2, mode=linear.")
    ] = None,
    both: Annotated[
        bool, typer.Option("--beside", help="Print the matrices of its partner too.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Draw both operations' matrices into this PNG.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a picture that is there.")] = False,
) -> None:
    """Show a linear operation as a matrix, its backward as another, and that it is the transpose.

    A row is a pixel of the result, a column a pixel of the input. Exit status 1 if the backward
    isn't the transpose.
    """
    from ..learn.adjoint.command import beside, parse_options, relation
    from ..learn.adjoint.matrices import adjoint_lab
    from ..show import save_figure

    if out is not None and out.exists() and not overwrite:
        raise FileExistsError(f"{out} is there already; --overwrite replaces it")
    options = parse_options(settings or [])
    lab = adjoint_lab(operation, **options)
    output.print(lab.text(output.width))
    partner = beside(lab, options)
    if partner is not None:
        if both:
            output.print()
            output.print(partner.text(output.width))
        output.print(relation(lab, partner), markup=False)
    if out is not None:
        save_figure(lab.figure(partner), out)
        output.print(f"picture: {out}", markup=False)
    if not lab.holds:
        raise typer.Exit(1)
