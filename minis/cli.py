"""The `minis` command: what it takes, and what it prints. The work is done elsewhere.

Numbers go to standard output; progress and errors go to standard error. Exit status: 0 if all
went well, 2 for anything wrong with what was given, 130 after Ctrl-C in training.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from . import __version__
from .backend import use
from .data import Dataset

app = typer.Typer(
    help="Segmentation networks in NumPy: train them, use them, look inside.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
)
output = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Data = Annotated[str | None, typer.Option("--data", help="A data set's name; see below.")]
Images = Annotated[Path | None, typer.Option("--images", help="Your own images: a folder.")]
Masks = Annotated[
    Path | None, typer.Option("--masks", help="Their masks: same names, a value per class.")
]
Weights = Annotated[Path, typer.Argument(help="A file that `minis train` wrote.")]
SEED_HELP = "Seed of the random numbers: the same seed gives the same run."
DATA_HELP = "Data sets: nuclei, digits, shapes, cells, streets; or --images and --masks."


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


@app.command(epilog="Example: `minis demo --picture cells.png`")
def demo(
    picture: Annotated[Path, typer.Option(help="Where to write the picture.")] = Path("demo.png"),
    seed: Annotated[int, typer.Option(help=SEED_HELP, min=0)] = 0,
    steps: Annotated[int | None, typer.Option(help="Training steps.", min=1)] = None,
) -> None:
    """Watch a U-Net in NumPy learn to find nuclei in a real microscope image."""
    from .demo import STEPS, run_demo

    errors.print("Training U-Net on the left of the image, testing on the right …")
    result = run_demo(picture, seed=seed, steps=steps or STEPS)
    table = Table("held-out nuclei", "IoU", "instance F1")
    table.add_row("U-Net, in NumPy", f"{result.network.iou:.3f}", f"{result.network.f1:.3f}")
    table.add_row("Otsu's threshold", f"{result.otsu.iou:.3f}", f"{result.otsu.f1:.3f}")
    output.print(table)
    output.print(f"{result.seconds:.0f} s in all; picture: {result.picture}")


@app.command(
    epilog=f"{DATA_HELP}\n\nExample: `minis train unet --data nuclei --out runs/nuclei`",
)
def train(
    model: Annotated[str, typer.Argument(help="The network: unet.")],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoints.")],
    data: Data = None,
    images: Images = None,
    masks: Masks = None,
    steps: Annotated[int, typer.Option(help="Training steps.", min=1)] = 240,
    batch_size: Annotated[int, typer.Option(help="Crops in a step.", min=1)] = 8,
    crop: Annotated[int, typer.Option(help="Side of a crop, in pixels.", min=16)] = 96,
    learning_rate: Annotated[float, typer.Option(help="Learning rate of Adam.", min=0)] = 3e-3,
    seed: Annotated[int, typer.Option(help=SEED_HELP, min=0)] = 0,
    stretch: Annotated[
        bool, typer.Option(help="Stretch the contrast of each of your own images.")
    ] = True,
    turns: Annotated[
        bool | None, typer.Option(help="Mirror and turn crops; not for --data digits, streets.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on with the run in --out, with the options it was begun with.")
    ] = False,
) -> None:
    """Train a network; its best and its last state are kept in --out.

    A fifth of your own images, drawn at random, is held out to score the network on.
    """
    from . import recipes

    settings = recipes.Settings(
        model=model,
        data=data or f"{images}, {masks}",
        steps=steps,
        batch_size=batch_size,
        crop=crop,
        learning_rate=learning_rate,
        seed=seed,
        turns=data not in recipes.UPRIGHT if turns is None else turns,
        stretched=stretch if data is None else data == "nuclei",
    )
    last = out / recipes.LAST
    try:
        train_set, test_set = recipes.datasets(
            data, images, masks, stretched=settings.stretched, seed=seed
        )
        size = recipes.crop_size(train_set, crop)
        errors.print(recipes.summary(train_set, test_set, settings, size), markup=False)
        if resume and last.exists():
            errors.print(f"going on from {last}", markup=False)
        history = recipes.train(train_set, test_set, settings, size, out, resume=resume)
    except KeyboardInterrupt:
        kept = f"stopped; --resume goes on from {last}" if last.exists() else "stopped"
        errors.print(kept, markup=False)
        raise typer.Exit(130) from None
    output.print(f"best mean IoU on held-out images: {history.best_score:.4f}")
    output.print(f"in {out / 'best.safetensors'}", markup=False)


@app.command(epilog="Example: `minis predict runs/nuclei/best.safetensors photos/ --out masks/`")
def predict(
    weights: Weights,
    source: Annotated[Path, typer.Argument(help="An image, or a folder of images.")],
    out: Annotated[Path, typer.Option(help="Folder for masks and overlays.")],
    overwrite: Annotated[bool, typer.Option(help="Replace results that are there.")] = False,
) -> None:
    """Segment images: writes a mask and an overlay for each."""
    from . import prediction

    trained = prediction.open_trained(weights)
    count = prediction.predict_files(
        trained,
        source,
        out,
        lambda line: errors.print(line, markup=False),
        overwrite=overwrite,
    )
    legend = zip(trained.mask_values, trained.classes, strict=True)
    names = ", ".join(f"{value} = {name}" for value, name in legend)
    output.print(f"{count} segmented, in {out}; in the masks {names}", markup=False)


@app.command(
    epilog=f"{DATA_HELP}\n\nExample: `minis evaluate runs/nuclei/best.safetensors --data nuclei`",
)
def evaluate(
    weights: Weights,
    data: Data = None,
    images: Images = None,
    masks: Masks = None,
) -> None:
    """Score a trained network: on a data set's test part, or on all of your own images."""
    from . import prediction, recipes
    from .training import class_iou, dataset_confusion, segmentation_scores

    trained = prediction.open_trained(weights)
    if images is not None and masks is not None and data is None:
        names = dict(zip(trained.mask_values, trained.classes, strict=True))
        test_set: Dataset = recipes.own_images(
            images, masks, stretched=trained.stretched, classes=names
        )
    else:
        _, test_set = recipes.datasets(data, images, masks, stretched=trained.stretched)
    prediction.check_channels(trained, test_set.in_channels)
    if test_set.num_classes != len(trained.classes):
        raise ValueError(
            f"the network knows {len(trained.classes)} classes ({', '.join(trained.classes)}), "
            f"the data have {test_set.num_classes} ({', '.join(test_set.classes)})"
        )
    table = Table("score", "value")
    matrix = dataset_confusion(trained.model, test_set, num_classes=test_set.num_classes)
    for name, value in segmentation_scores(matrix).items():
        table.add_row(name, f"{value:.4f}")
    for name, value in zip(trained.classes, class_iou(matrix), strict=True):
        table.add_row(f"IoU of {escape(name)}", f"{value:.4f}")
    output.print(table)


@app.command(epilog="Example: `minis profile unet --input 1,3,256,256 --sort time`")
def profile(
    model: Annotated[str, typer.Argument(help="The network: unet; or a file of `minis train`.")],
    shape: Annotated[
        str | None, typer.Option("--input", help="Shape of the input: N,C,H,W.")
    ] = None,
    variant: Annotated[str | None, typer.Option(help="mini, the default, or paper.")] = None,
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
    from .learn import profile_command

    if backend:
        use(backend)
    request = profile_command.Request(
        model, shape, variant, float64, inference, repeat, threads, by, sort, json
    )
    done = profile_command.run(request, lambda line: errors.print(line, markup=False))
    output.print(done.title, markup=False)
    output.print(done.report.table(by=by, sort=sort, width=output.width))
    output.print(done.memory, markup=False)


@app.command(epilog="Example: `minis warmup unet`")
def warmup(
    models: Annotated[list[str] | None, typer.Argument(help="Networks; by default all.")] = None,
    variant: Annotated[str, typer.Option(help="mini, or paper: as published.")] = "mini",
    float64: Annotated[bool, typer.Option("--float64", help="For float64 too.")] = False,
) -> None:
    """Compile what networks need, so that no later run has to."""
    from .models import MODELS
    from .warmup import cache_is_kept, check_networks, network, warm_up
    from .warmup_bar import bar, counts, summed, table

    check_networks(models or [])
    dtypes = ("float32", "float64") if float64 else ("float32",)
    started, found = time.perf_counter(), []
    for name in models or MODELS:
        with bar(errors, f"{name} {variant}") as tell:
            found += warm_up(*network(name, variant), dtypes=dtypes, tell=tell)
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
    from .doctor import examine

    findings = examine()
    table = Table("", "what", "detail")
    for finding in findings:
        mark = "[green]OK[/]" if finding.ok else "[red]missing[/]" if finding.needed else "–"
        table.add_row(mark, finding.what, escape(finding.detail))
    output.print(table)
    if any(f.needed and not f.ok for f in findings):
        raise typer.Exit(2)


def main() -> None:
    """Run the command; what the user can mend is told in a line, without a traceback."""
    try:
        app()
    except (ValueError, TypeError, OSError, ImportError, ArithmeticError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.strerror and error.filename:
            text = f"{error.filename}: {error.strerror.lower()}"
        errors.print(f"error: {text}", style="red", markup=False)
        sys.exit(2)
