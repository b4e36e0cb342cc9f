"""Commands that use a trained network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..data import Dataset
from .console import DATA_HELP, Data, Images, Masks, Void, Weights, app, errors, output


@app.command(epilog="Example: `minis predict runs/nuclei/best.safetensors photos/ --out masks/`")
def predict(
    weights: Weights,
    source: Annotated[Path, typer.Argument(help="An image, a volume, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="Folder for masks and pictures.")],
    spacing: Annotated[
        str | None,
        typer.Option(help="Millimetres between voxels, for volumes that don't say: 1,1,2.5"),
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace results that are there.")] = False,
) -> None:
    """Segment images: writes a mask and an overlay for each, for volumes (NIfTI) three planes."""
    from .. import prediction
    from ..prediction_volume import parse_spacing

    trained = prediction.open_trained(weights)
    count = prediction.predict_files(
        trained,
        source,
        out,
        lambda line: errors.print(line, markup=False),
        spacing=None if spacing is None else parse_spacing(spacing),
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
    void: Void = None,
) -> None:
    """Score a trained network: on a data set's test part, or on all of your own images."""
    from .. import prediction, sources
    from ..training import class_iou, dataset_confusion, segmentation_scores

    trained = prediction.open_trained(weights)
    if images is not None and masks is not None and data is None:
        names = dict(zip(trained.mask_values, trained.classes, strict=True))
        opened = partial(
            sources.own_images, images, masks, axes=trained.axes, void=void, classes=names
        )
        test_set: Dataset = opened(stretched=trained.stretched)
        if sources.out_of_range(test_set):
            errors.print("intensities leave 0 … 1, in which the network was trained: stretched")
            test_set = opened(stretched=True)
    else:
        _, test_set = sources.datasets(
            data, images, masks, axes=trained.axes, stretched=trained.stretched
        )
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
