"""Commands that train a network."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from .console import (
    DATA_HELP,
    LOSS_HELP,
    MODEL_HELP,
    SEED_HELP,
    Data,
    Images,
    Masks,
    Void,
    app,
    errors,
    output,
)


@app.command(epilog="Example: `minis demo --picture cells.png`")
def demo(
    picture: Annotated[Path, typer.Option(help="Where to write the picture.")] = Path("demo.png"),
    seed: Annotated[int, typer.Option(help=SEED_HELP, min=0)] = 0,
    steps: Annotated[int | None, typer.Option(help="Training steps.", min=1)] = None,
) -> None:
    """Watch a U-Net in NumPy learn to find nuclei in a real microscope image."""
    from ..demo import STEPS, run_demo

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
    model: Annotated[str, typer.Argument(help=MODEL_HELP)],
    out: Annotated[Path, typer.Option(help="Folder for the checkpoints.")],
    data: Data = None,
    images: Images = None,
    masks: Masks = None,
    void: Void = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Crops in a step.", min=1)] = None,
    crop: Annotated[int | None, typer.Option(help="Side of a crop, in pixels.", min=16)] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Learning rate of Adam.", min=0)
    ] = None,
    loss: Annotated[str | None, typer.Option(help=LOSS_HELP)] = None,
    seed: Annotated[int, typer.Option(help=SEED_HELP, min=0)] = 0,
    stretch: Annotated[
        bool, typer.Option(help="Stretch the contrast of each of your own images.")
    ] = True,
    turns: Annotated[
        bool | None, typer.Option(help="Mirror and turn crops; not digits, streets, brain.")
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on with the run in --out, with the options it was begun with.")
    ] = False,
) -> None:
    """Train a network; its best and its last state are kept in --out.

    What isn't given is what suits the network. A fifth of your own images, drawn at random, is held
    out to score the network on.
    """
    from .. import recipes, sources
    from ..models import MODELS

    started = time.perf_counter()
    settings = recipes.recipe(
        model,
        data=data if images is None and masks is None else _own(images, masks, void),
        steps=steps,
        batch_size=batch_size,
        crop=crop,
        learning_rate=learning_rate,
        loss=loss,
        seed=seed,
        turns=turns,
    )
    if data is None and images is None and masks is None:
        data = settings.data
    settings = replace(settings, stretched=stretch if data is None else data == "nuclei")
    last = out / recipes.LAST
    try:
        train_set, test_set = sources.datasets(
            data,
            images,
            masks,
            axes=MODELS[model].axes,
            stretched=settings.stretched,
            void=void,
            seed=seed,
        )
        size = sources.crop_size(train_set, settings.crop)
        errors.print(recipes.summary(train_set, test_set, settings, size), markup=False)
        if resume and last.exists():
            errors.print(f"going on from {last}", markup=False)
        history = recipes.train(train_set, test_set, settings, size, out, resume=resume)
    except KeyboardInterrupt:
        kept = f"stopped; --resume goes on from {last}" if last.exists() else "stopped"
        errors.print(kept, markup=False)
        raise typer.Exit(130) from None
    result = recipes.result(train_set, test_set, settings, history, started)
    result.save(out)
    for line in result.lines():
        output.print(line, markup=False)
    output.print(f"best mean IoU on held-out images: {history.best_score:.4f}")
    output.print(f"in {out / 'best.safetensors'}", markup=False)


def _own(images: Path | None, masks: Path | None, void: int | None) -> str:
    """Name one's own data: what a run that goes on must agree on."""
    return f"{images}, {masks}" + ("" if void is None else f", void {void}")
