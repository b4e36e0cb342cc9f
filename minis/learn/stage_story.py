"""What is shown of each stage of Mask R-CNN, and what the caption says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..show_classes import show_class_boxes, show_class_scores
from ..show_columns import show_masks, show_regions
from ..show_instances import show_objects
from ..show_maps import show_input, show_objectness
from ..show_regions import image_crops
from ..show_stages import show_anchors, show_proposals
from .detector_stages import Stages

SHOWN = 8  # proposals and masks that are looked at one by one, at most
APART = 0.3  # the greatest IoU of such proposals, else they would all be of one object


def _times(sides: Sequence[int]) -> str:
    return " × ".join(map(str, sides))


def _levels(found: Stages) -> list[str]:
    return [f"P{level}" for level in range(2, 2 + len(found.anchors))]


def _image(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    before, after, padded = found.image.shape[1:], found.size, found.seen.shape[1:]
    resized = "keeps its size" if before == after else f"is resized to {_times(after)}"
    zeros = (
        ""
        if after == padded
        else f" Zeros, beyond the dashed lines, make it {_times(padded)}: so P3, P4 and P5 are "
        "each half as large as the map before."
    )
    return show_input(found.image, found.seen, found.size), (
        f"The image of {_times(before)} pixels {resized}. From each channel a fixed mean is "
        "subtracted, and what is left is divided by a fixed standard deviation: most values come "
        f"to lie in −2 … 2.{zeros}"
    )


def _anchors(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    a = len(found.objectness[0])
    names = _levels(found)
    count = sum(map(len, found.anchors))
    return show_anchors(found.resized, found.anchors, a, names=names), (
        f"A dot is a cell of one of the maps {names[0]} to {names[-1]}. At each cell stand {a} "
        "boxes, wide, square and high, the anchors; drawn are those of the cell in the middle. "
        f"Coarser maps have fewer and larger ones, which may reach over the border: {count} in "
        "all. Large objects are looked for with large anchors, small ones with small."
    )


def _objectness(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    a, names = len(found.objectness[0]), _levels(found)
    count = sum(level.size for level in found.objectness)
    likely = sum(int((level > 0).sum()) for level in found.objectness)
    return show_objectness(found.resized, found.objectness, names), (
        f"For each anchor the network says how likely it holds an object; of the {a} at a cell the "
        f"likeliest is shown. {likely} of {count} anchors are likelier an object than not."
    )


def _proposals(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    before, after = found.candidates, found.proposals
    figure = show_proposals(
        _unpadded(found), (before.boxes, before.scores), (after.boxes, after.scores)
    )
    return figure, (
        "The best anchors of each level are moved and resized as the network says, and cut off at "
        f"the image's border: {len(before)} boxes, of which many mean the same object. Where two "
        f"of one level overlap with an IoU above {found.thresholds[0]:g} only the better one is "
        f"kept. The best {len(after)} of what is left are proposed."
    )


def _regions(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    chosen, proposals, names = _chosen(found), found.proposals, _levels(found)
    boxes = proposals.boxes[chosen]
    texts = [
        f"proposal {row + 1}: {proposals.scores[row]:.2f}\n"
        f"{y2 - y1:.0f} × {x2 - x1:.0f} px, {names[found.levels[row]]}"
        for row, (x1, y1, x2, y2) in zip(chosen, boxes, strict=True)
    ]
    _, channels, bins, _ = found.regions.shape
    figure = show_regions(
        np.clip(image_crops(found.resized, boxes), 0, 1), found.regions[chosen], texts
    )
    return figure, (
        f"The best of the {len(proposals)} proposals that overlap little. Whatever a proposal's "
        f"size, RoIAlign reads {bins} × {bins} values from each of a map's {channels} channels: "
        "large ones from coarse maps, small ones from fine. Bright is where the channels' root "
        "mean square is large. This is all that the box head knows of a proposal."
    )


def _classes(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    chosen, count = _chosen(found), len(found.proposals)
    rows = [f"proposal {row + 1}" for row in chosen]
    figure = show_class_scores(found.class_scores[chosen], classes, rows)
    objects = int((found.class_scores[:, 1:] > found.class_scores[:, :1]).any(axis=1).sum())
    return figure, (
        "What the box head says of the same proposals: the probability of each class. A row adds "
        f"up to 1; its greatest is framed. For {objects} of all {count} proposals some class is "
        f"likelier than {classes[0]}."
    )


def _boxes(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    before, after = ((b.boxes, b.scores, b.groups) for b in (found.class_candidates, found.found))
    return show_class_boxes(_unpadded(found), before, after, classes), (
        "The box head also says how a proposal's box must be corrected, for each class apart. "
        "Whatever class of whatever proposal has a score that isn't tiny is a candidate: "
        f"{len(before[0])} boxes, each class in its colour. Where two of one class overlap with an "
        f"IoU above {found.thresholds[1]:g} only the better one is kept: {len(after[0])}."
    )


def _masks(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    best = found.found
    rows = range(min(SHOWN, len(best)))
    figure = show_masks(
        np.clip(image_crops(found.resized, best.boxes[:SHOWN]), 0, 1),
        found.mask_logits[rows, best.groups[:SHOWN]],
        found.mask_probabilities[:SHOWN, 0],
        [_inside(found.detections["masks"][r, 0], found.detections["boxes"][r]) for r in rows],
        [f"{classes[best.groups[r]]}, score {best.scores[r]:.2f}" for r in rows],
    )
    _, count, side, _ = found.mask_logits.shape
    return figure, (
        f"The {len(rows)} best of {len(best)} boxes. For each the mask head gives a logit on "
        f"{side} × {side} places for each of {count} classes; that of its own class is read. The "
        "sigmoid makes it a probability, and resized to the box it belongs to pixels. The lines "
        "are where the logit is 0, the probability ½: the mask's outline."
    )


def _objects(found: Stages, classes: list[str], score_threshold: float) -> tuple[Any, str]:
    drawn = int((found.detections["scores"] >= score_threshold).sum())
    figure = show_objects(found.image, found.detections, classes, score_threshold=score_threshold)
    return figure, (
        f"Boxes and masks in the image's own pixels: {len(found.found)} objects, of which {drawn} "
        f"have a score of at least {score_threshold:g}, and are shown."
    )


def _chosen(found: Stages) -> list[int]:
    """Return which proposals are looked at one by one."""
    best = found.proposals
    chosen: list[int] = ops.nms(best.boxes, best.scores, APART)[:SHOWN].tolist()
    return chosen


def _unpadded(found: Stages) -> Any:
    height, width = found.size
    return found.resized[:, :height, :width]


def _inside(mask: Any, box: Any) -> Any:
    """Cut the pixels that a box touches out of a mask (H, W)."""
    low = np.maximum(np.floor(box[:2]), 0).astype(int)
    x2, y2 = np.maximum(np.ceil(box[2:]).astype(int), low + 1)
    return mask[low[1] : y2, low[0] : x2]


STORY = (
    ("image", "The image as the network sees it", _image),
    ("anchors", "Where it looks: anchors", _anchors),
    ("objectness", "Is there an object?", _objectness),
    ("proposals", "Proposals, before and after suppression", _proposals),
    ("regions", "What is cut out for a proposal", _regions),
    ("classes", "Which class is it?", _classes),
    ("boxes", "Boxes of classes, before and after suppression", _boxes),
    ("masks", "From mask logits to pixels", _masks),
    ("objects", "What was found", _objects),
)
