"""Commands that train a network."""

from __future__ import annotations

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
    Annotations,
    Data,
    Device,
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
    annotations: Annotations = None,
    void: Void = None,
    steps: Annotated[int | None, typer.Option(help="Training steps.", min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images in a step.", min=1)] = None,
    crop: Annotated[int | None, typer.Option(help="Side of a crop, in pixels.", min=16)] = None,
    min_size: Annotated[
        int | None,
        typer.Option(help="Mask R-CNN: whole images, of this shorter side; 0 for crops.", min=0),
    ] = None,
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
    device: Device = "cpu",
    resume: Annotated[
        bool, typer.Option(help="Go on with the run in --out, with the options it was begun with.")
    ] = False,
) -> None:
    """Train a network; its best and its last state are kept in --out.

    What isn't given is what suits the network. A fifth of your own images, drawn at random, is held
    out to score the network on.
    """
    from .. import recipes, training_run
    from ..run_setup import LAST
    from ..training.device import choose_device

    place = choose_device(device)
    own = training_run.Own(images, masks, annotations, void)
    settings = recipes.recipe(
        model,
        data=data if own.empty else str(own),
        steps=steps,
        batch_size=batch_size,
        crop=crop,
        learning_rate=learning_rate,
        loss=loss,
        seed=seed,
        turns=turns,
        min_size=min_size if min_size is not None or annotations is None else recipes.SIDE,
    )
    if data is None and own.empty:
        data = settings.data
    settings = replace(settings, stretched=stretch if data is None else data == "nuclei")
    last = out / LAST
    try:
        result, best = training_run.run(
            settings, data, own, out, errors, device=place, resume=resume
        )
    except KeyboardInterrupt:
        kept = f"stopped; --resume goes on from {last}" if last.exists() else "stopped"
        errors.print(kept, markup=False)
        raise typer.Exit(130) from None
    for line in result.lines():
        output.print(line, markup=False)
    output.print(best)
    output.print(f"in {out / 'best.safetensors'}", markup=False)
