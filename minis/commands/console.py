"""What all commands share: the application, where they print, and the options they have in common.

Numbers go to standard output; progress and errors go to standard error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

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
    Path | None,
    typer.Option(
        "--masks",
        help="Their masks: same names, a value per class; for Mask R-CNN a number per object.",
    ),
]
Annotations = Annotated[
    Path | None, typer.Option("--annotations", help="Mask R-CNN: a file in COCO's format.")
]
Void = Annotated[
    int | None, typer.Option(help="Value in --masks of pixels that don't count, such as 255.")
]
Weights = Annotated[Path, typer.Argument(help="A file that `minis train` wrote.")]
Device = Annotated[
    str,
    typer.Option(help="cpu; cuda, an NVIDIA GPU; or auto, the GPU where one can be used."),
]
MODEL_HELP = (
    "The network: unet, fcn, segnet, tiramisu; vnet for volumes; mask-rcnn to find objects."
)
LOSS_HELP = "cross-entropy, balanced-cross-entropy, dice, or dice+cross-entropy."
VARIANT_HELP = "mini, the default; paper, or what was published: 8s, alexnet, 103, figure …"
SEED_HELP = "Seed of the random numbers: the same seed gives the same run."
DATA_HELP = (
    "Data sets: nuclei, digits, digits-apart, shapes, cells, streets; of volumes brain, "
    "ellipsoids; or --images and --masks, for mask-rcnn also --images and --annotations."
)
