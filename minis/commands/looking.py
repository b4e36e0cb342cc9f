"""Commands that look into a network, or at what is installed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..backend import use
from .console import MODEL_HELP, VARIANT_HELP, Weights, app, errors, output


@app.command(epilog="Example: `minis plan unet --variant paper --input 1,1,572,572`")
def plan(
    model: Annotated[str, typer.Argument(help=f"{MODEL_HELP[:-1]}; or a file of `minis train`.")],
    shape: Annotated[
        str | None, typer.Option("--input", help="Shape of the input: N,C,H,W or N,C,D,H,W.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help=VARIANT_HELP)] = None,
    classes: Annotated[int | None, typer.Option(help="Classes, by default 2.", min=1)] = None,
    json: Annotated[Path | None, typer.Option(help="Also write everything to this file.")] = None,
) -> None:
    """Show a network layer by layer without running it: shapes, FLOPs, memory, receptive field.

    The field is the pixels of the input that a value depends on, the step those from one value to
    the next. Memory is that of arrays, without an operation's own working space.
    """
    from ..learn import plan_command

    done = plan_command.run(plan_command.Request(model, shape, variant, classes, json))
    output.print(done.title, markup=False)
    output.print(done.plan.table(output.width))
    output.print(done.plan.summary())
    for line in done.remarks:
        output.print(line, markup=False)


@app.command(epilog="Example: `minis profile unet --input 1,3,256,256 --sort time`")
def profile(
    model: Annotated[str, typer.Argument(help="A network, or a file of `minis train`.")],
    shape: Annotated[
        str | None, typer.Option("--input", help="Shape of the input: N,C,H,W or N,C,D,H,W.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help=VARIANT_HELP)] = None,
    backend: Annotated[
        str | None, typer.Option(help="auto, numpy, numba, numba-cuda or cupy.")
    ] = None,
    float64: Annotated[bool, typer.Option("--float64", help="Compute in float64.")] = False,
    inference: Annotated[
        bool, typer.Option("--inference", help="Only forward, as in `minis predict`.")
    ] = False,
    repeat: Annotated[int, typer.Option(help="Runs to take the median of.", min=1)] = 3,
    threads: Annotated[int | None, typer.Option(help="Threads to compute with.", min=1)] = None,
    by: Annotated[str, typer.Option(help="A row for each: layer or operation.")] = "layer",
    sort: Annotated[str, typer.Option(help="Order of the rows: network or time.")] = "network",
    json: Annotated[Path | None, typer.Option(help="Also write everything to this file.")] = None,
) -> None:
    """Show where a network spends its time: layer by layer, with FLOPs, memory traffic and rates.

    FLOPs are those of the formulas, MB is the least traffic: arrays read and written once.
    """
    from ..learn import profile_command

    if backend:
        use(backend)
    request = profile_command.Request(
        model, shape, variant, float64, inference, repeat, threads, by, sort, json
    )
    done = profile_command.run(request, lambda line: errors.print(line, markup=False))
    output.print(done.title, markup=False)
    output.print(done.report.table(by=by, sort=sort, width=output.width))
    output.print(done.memory, markup=False)


@app.command(epilog="Example: `minis stages runs/digits/best.safetensors photo.png --out stages`")
def stages(
    weights: Weights,
    image: Annotated[Path, typer.Argument(help="An image: PNG, JPEG or TIFF.")],
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")],
    overwrite: Annotated[bool, typer.Option(help="Replace pictures that are there.")] = False,
) -> None:
    """Show how Mask R-CNN finds objects in an image: nine pictures, from anchors to masks."""
    from ..learn import draw_stages
    from ..models import MaskRCNN
    from ..prediction import open_trained
    from ..prediction_objects import prepared, seen_in_tiles

    trained = open_trained(weights)
    if not isinstance(trained.model, MaskRCNN):
        raise ValueError(
            f"{weights}: holds a {type(trained.model).__name__}; such stages are those of mask-rcnn"
        )
    seen, told = prepared(trained, image)
    for line in told:
        errors.print(f"{image.name}: {line}", markup=False)
    there = sorted(out.glob("[1-9]_*.png"))
    if there and not overwrite:
        raise FileExistsError(f"{there[0]} is there already; --overwrite replaces it")
    if seen_in_tiles(trained, seen.shape[1:]):
        errors.print(f"{image.name}: seen whole here, but `minis predict` sees it in tiles")
    paths = draw_stages(trained.model, seen, out, trained.classes)
    output.print(f"{paths[0]} to {paths[-1].name}: {len(paths)} pictures", markup=False)


@app.command(epilog="Example: `minis warmup unet`")
def warmup(
    models: Annotated[list[str] | None, typer.Argument(help="Networks; by default all.")] = None,
    variant: Annotated[str, typer.Option(help=VARIANT_HELP)] = "mini",
    float64: Annotated[bool, typer.Option("--float64", help="For float64 too.")] = False,
) -> None:
    """Compile what networks need, so that no later run has to."""
    from ..models import DETECTORS, MODELS
    from ..recipes import RECIPES
    from ..training import LOSSES
    from ..warmup import cache_is_kept, check_networks, network, warm_up
    from ..warmup_bar import bar, counts, summed, table

    check_networks(models or [])
    dtypes = ("float32", "float64") if float64 else ("float32",)
    started, found = time.perf_counter(), []
    for name in models or MODELS:
        with bar(errors, f"{name} {variant}") as tell:
            # a detector has losses of its own, and reads none
            loss = "cross-entropy" if name in DETECTORS else RECIPES[name].loss
            model, shape = network(name, variant)
            found += warm_up(model, shape, loss=LOSSES[loss], dtypes=dtypes, tell=tell)
    found = summed(found)
    output.print(table(found))
    output.print(f"kernels: {counts(found)}, in {time.perf_counter() - started:.1f} s")
    if not cache_is_kept():
        errors.print(
            "no folder for compiled kernels can be written, so they serve nobody else: "
            "set NUMBA_CACHE_DIR to one that can"
        )


@app.command(epilog="Example: `minis doctor`")
def doctor() -> None:
    """Say what is installed, which backends work, and how to get what is missing."""
    from ..doctor import examine

    findings = examine()
    table = Table("", "what", "detail")
    for finding in findings:
        mark = "[green]OK[/]" if finding.ok else "[red]missing[/]" if finding.needed else "–"
        table.add_row(mark, finding.what, escape(finding.detail))
    output.print(table)
    if any(f.needed and not f.ok for f in findings):
        raise typer.Exit(2)
