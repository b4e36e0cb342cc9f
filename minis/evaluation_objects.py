"""How the command line scores a detector: on which images, and the table of its scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .data import Dataset
from .detection_tiles import scores_in_tiles
from .prediction_objects import tile_side
from .sources import out_of_range
from .sources_objects import object_datasets, own_instances, own_objects
from .training.components import component_scores

if TYPE_CHECKING:
    from .prediction import Trained

KINDS = ("mask", "box")
ROWS = {
    "ap": "AP",
    "ap50": "AP50",
    "ap75": "AP75",
    "ap_small": "AP, small (up to 32²)",
    "ap_medium": "AP, medium (to 96²)",
    "ap_large": "AP, large",
}


def objects_to_score(
    trained: Trained,
    data: str | None,
    images: Path | None,
    masks: Path | None,
    annotations: Path | None,
    report: Callable[[str], None],
) -> Dataset:
    """Open what a detector is scored on.

    Parameters
    ----------
    trained : Trained
        A detector.
    data : str, optional
        Name of a data set, whose test part it is.
    images : path, optional
        Folder of one's own images, and either of the next two.
    masks : path, optional
        Folder of masks that number the objects; for a network that knows a single class.
    annotations : path, optional
        JSON file in COCO's format.
    report : callable
        Called with a line for whatever the user should know.

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError, ValueError
        If files are missing or wrong, the options don't go together, or the classes aren't those
        that the network knows.
    """
    if images is None or data is not None or (masks is None) == (annotations is None):
        _, test_set = object_datasets(data, images, masks, annotations, stretched=trained.stretched)
        return _of_known_classes(trained, test_set)
    test_set = _own(trained, images, masks, annotations, trained.stretched)
    if not trained.stretched and out_of_range(test_set):
        report("intensities leave 0 … 1, in which the network was trained: stretched")
        test_set = _own(trained, images, masks, annotations, True)
    return test_set


def object_scores(trained: Trained, dataset: Dataset) -> dict[str, float]:
    """Score what `minis predict` would find in a data set, a segmentation's parts as objects."""
    if not trained.detects:
        return component_scores(trained.model, dataset)
    return scores_in_tiles(
        trained.model, dataset, channels=trained.in_channels, side=tile_side(trained)
    )


def score_table(scores: Mapping[str, float]) -> list[tuple[str, ...]]:
    """Arrange average precisions in rows: what it is of, masks', boxes'.

    Examples
    --------
    >>> scores = dict.fromkeys([f"{kind}_{name}" for kind in KINDS for name in ROWS], 0.5)
    >>> score_table(scores | {"box_ap_large": float("nan")})[-1]
    ('AP, large', '0.5000', 'none')
    """

    def text(value: float) -> str:
        return "none" if math.isnan(value) else f"{value:.4f}"

    return [
        (title, *(text(scores[f"{kind}_{name}"]) for kind in KINDS)) for name, title in ROWS.items()
    ]


def _own(
    trained: Trained, images: Path, masks: Path | None, annotations: Path | None, stretched: bool
) -> Dataset:
    """Open all of one's own images, told by one of the other two."""
    if annotations is not None:
        return own_objects(
            images,
            annotations,
            in_channels=trained.in_channels,
            stretched=stretched,
            classes=trained.classes,
        )
    assert masks is not None
    if len(trained.classes) != 2:
        raise ValueError(
            f"{masks}: masks number objects, but don't say which of the network's "
            f"{len(trained.classes) - 1} classes these are; give --annotations FILE instead"
        )
    folder = own_instances(images, masks, stretched=stretched)
    folder.check()
    return folder


def _of_known_classes(trained: Trained, dataset: Dataset) -> Dataset:
    if dataset.classes != trained.classes:
        raise ValueError(
            f"the network knows the classes {', '.join(trained.classes)}; the data have "
            f"{', '.join(dataset.classes)}"
        )
    return dataset
