"""Commands that use a trained network."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from ..data import Dataset
from .console import (
    DATA_HELP,
    Annotations,
    Data,
    Device,
    Images,
    Masks,
    Void,
    Weights,
    app,
    errors,
    output,
)

if TYPE_CHECKING:
    from ..prediction import Trained


@app.command(epilog="Example: `minis predict runs/nuclei/best.safetensors photos/ --out masks/`")
def predict(
    weights: Weights,
    source: Annotated[Path, typer.Argument(help="An image, a volume, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="Folder for masks and pictures.")],
    spacing: Annotated[
        str | None,
        typer.Option(help="Millimetres between voxels, for volumes that don't say: 1,1,2.5"),
    ] = None,
    score: Annotated[
        float | None,
        typer.Option(help="Leave objects of smaller scores out; 0.5 unless given.", min=0, max=1),
    ] = None,
    device: Device = "cpu",
    overwrite: Annotated[bool, typer.Option(help="Replace results that are there.")] = False,
) -> None:
    """Segment images: writes a mask and an overlay for each, for volumes (NIfTI) three planes.

    Of a network that finds objects (mask-rcnn) each image gets a picture with boxes, classes,
    scores and masks, a list of the objects in COCO's format, and an image that numbers them.
    """
    from .. import prediction
    from ..prediction_volume import parse_spacing

    trained = prediction.open_trained(weights, device)
    count = prediction.predict_files(
        trained,
        source,
        out,
        lambda line: errors.print(line, markup=False),
        spacing=None if spacing is None else parse_spacing(spacing),
        score=score,
        overwrite=overwrite,
    )
    if trained.detects:
        names = ", ".join(f"{k} = {name}" for k, name in enumerate(trained.classes) if k)
        output.print(f"{count} searched, in {out}; category_id {names}", markup=False)
        return
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
    annotations: Annotations = None,
    void: Void = None,
    objects: Annotated[
        bool, typer.Option("--objects", help="Score a segmentation's connected parts as objects.")
    ] = False,
    device: Device = "cpu",
) -> None:
    """Score a trained network: on a data set's test part, or on all of your own images.

    Of a network that finds objects (mask-rcnn) this is COCO's average precision; your own objects
    are told by --annotations, or by --masks that number them.
    """
    from .. import evaluation_objects, prediction

    trained = prediction.open_trained(weights, device)
    if not trained.detects and not objects:
        if annotations is not None:
            raise ValueError(
                "--annotations is for networks that find objects; this one segments; "
                "--objects scores its connected parts"
            )
        output.print(_pixel_scores(trained, data, images, masks, void))
        return
    if void is not None:
        raise ValueError("--void is for scores of pixels, not of objects")
    test_set = evaluation_objects.objects_to_score(
        trained, data, images, masks, annotations, lambda line: errors.print(line, markup=False)
    )
    if not trained.detects:  # a detector repeats grey images
        prediction.check_channels(trained, test_set.in_channels)
    table = Table("average precision", "of masks", "of boxes")
    for row in evaluation_objects.score_table(evaluation_objects.object_scores(trained, test_set)):
        table.add_row(*row)
    output.print(table)


def _pixel_scores(
    trained: Trained, data: str | None, images: Path | None, masks: Path | None, void: int | None
) -> Table:
    """Score a network that tells the class of each pixel."""
    from .. import prediction, sources
    from ..training import class_iou, dataset_confusion, segmentation_scores

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
    return table
