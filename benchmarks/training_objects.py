"""What Mask R-CNN learns, beside the older way: a segmentation's connected parts as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from minis.evaluation_objects import object_scores, objects_to_score
from minis.prediction import open_trained

from . import markdown

# the network whose segmentation it is, for each data set
COMPARED = {"nuclei": "unet", "digits": "segnet", "digits-apart": "segnet"}
TITLES = ("command", "mask AP", "AP50", "AP75", "box AP", "AP50", "connected parts of", "mask AP",
          "AP50", "parameters", "minutes")  # fmt: skip


def parts_as_objects(weights: Path, data: str) -> dict[str, Any]:
    """Score the connected parts that a trained network segments, as `minis evaluate --objects`."""
    trained = open_trained(weights)
    test_set = objects_to_score(trained, data, None, None, None, print)
    return {"model": COMPARED[data], "scores": object_scores(trained, test_set)}


def object_table(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the table of the runs, if there are any.

    Examples
    --------
    >>> object_table([])
    []
    """
    return [markdown.table(list(TITLES), [_line(run) for run in runs], left=1)] if runs else []


def _line(run: Mapping[str, Any]) -> list[str]:
    scores, parts = run["scores"], run["parts"]
    ours = [scores[name] for name in ("mask_ap", "mask_ap50", "mask_ap75", "box_ap", "box_ap50")]
    theirs = [parts["scores"][name] for name in ("mask_ap", "mask_ap50")]
    return [
        f"`minis train {run['model']} --data {run['data']} --out …`",
        *(f"{score:.3f}" for score in ours),
        parts["model"],
        *(f"{score:.3f}" for score in theirs),
        f"{run['parameters']:,}",
        f"{run['seconds'] / 60:.1f}",
    ]
