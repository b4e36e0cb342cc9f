"""Average precision as COCO counts it: how well objects are found, outlined and named.

Detections are taken best score first. Each takes the free true object of its class with the
greatest IoU, if that is at least a threshold, and is then a true positive. Of the curve of
precision over recall the area is taken, at 101 recalls, precision being made to fall; AP is its
mean over classes and over the thresholds .50, .55, …, .95, AP50 and AP75 at one threshold (Lin et
al. 2014; cocodataset.org, "Detection evaluation"). COCO's own program, pycocotools, counts it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..backend import on_cpu
from ..data.coco_mask import encode_mask
from ..data.packages import require

KINDS = {"mask": "segm", "box": "bbox"}
SCORES = {  # which of the thresholds .50, .55, … and of the size classes each is the mean over
    "ap": (slice(None), 0),
    "ap50": (slice(0, 1), 0),
    "ap75": (slice(5, 6), 0),
    "ap_small": (slice(None), 1),
    "ap_medium": (slice(None), 2),
    "ap_large": (slice(None), 3),
}
MOST = 100  # detections of an image that count, unless it has more objects


def average_precision(
    detections: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """Score the detections of several images.

    Parameters
    ----------
    detections : sequence of N mappings
        Of each image `boxes` (M, 4), rows x1, y1, x2, y2; `labels` (M,); `scores` (M,); `masks`
        (M, 1, H, W), the object being where they exceed ½. The best 100 count; if an
        image has more objects than that, as many.
    targets : sequence of N mappings
        Of each image `boxes` (M, 4), `labels` (M,), `masks` (M, H, W), true where not 0.
        Optional: `iscrowd` (M,), regions in which detections are neither right nor wrong; `area`
        (M,), which decides the size class, the mask's pixels unless given.

    Returns
    -------
    dict of float
        `mask_ap`, `mask_ap50`, `mask_ap75`, `mask_ap_small` (area up to 32²), `mask_ap_medium`
        (to 96²), `mask_ap_large`, by the IoU of masks; `box_ap` …, by that of boxes. NaN where
        there is no true object. Classes without one don't count in the mean.

    Raises
    ------
    ValueError
        If there isn't one target for each image, or an array is missing or misshapen.
    MissingPackageError
        If pycocotools is not installed.

    See Also
    --------
    AveragePrecision : image by image, so that masks needn't be kept.

    Examples
    --------
    >>> mask = np.zeros((1, 8, 8), np.uint8)
    >>> mask[0, 2:6, 2:6] = 1
    >>> true = {"boxes": np.array([[2, 2, 6, 6]]), "labels": np.array([1]), "masks": mask}
    >>> found = {**true, "masks": mask[:, None], "scores": np.array([0.9])}
    >>> scores = average_precision([found], [true])
    >>> round(scores["mask_ap"], 6), round(scores["box_ap_small"], 6), scores["mask_ap_large"]
    (1.0, 1.0, nan)
    """
    if len(detections) != len(targets):
        raise ValueError(
            f"average_precision: detections of {len(detections)} images but targets of "
            f"{len(targets)}"
        )
    counted = AveragePrecision()
    for detected, target in zip(detections, targets, strict=True):
        counted.add(detected, target)
    return counted.scores()


class AveragePrecision:
    """Average precision, gathered image by image.

    Examples
    --------
    >>> none = {"boxes": np.zeros((0, 4)), "labels": np.zeros(0, int), "masks": np.zeros((0, 8, 8))}
    >>> counted = AveragePrecision()
    >>> counted.add({**none, "masks": np.zeros((0, 1, 8, 8)), "scores": np.zeros(0)}, none)
    >>> counted.images, counted.scores()["mask_ap"]
    (1, nan)
    """

    def __init__(self) -> None:
        self._sizes: list[tuple[int, int]] = []
        self._found: list[dict[str, Any]] = []
        self._true: list[dict[str, Any]] = []

    @property
    def images(self) -> int:
        """Number of images so far."""
        return len(self._sizes)

    def add(self, detected: Mapping[str, Any], target: Mapping[str, Any]) -> None:
        """Take in an image: its detections and its target, as `average_precision`.

        Raises
        ------
        ValueError
            If an array is missing or misshapen; then nothing is taken in.
        """
        true = _read(f"target {self.images}", target, ("boxes", "labels", "masks"))
        found = _read(f"detections {self.images}", detected, ("boxes", "labels", "masks", "scores"))
        if found["masks"].shape[1:2] != (1,) or found["masks"].ndim != 4:
            raise ValueError(
                f"average_precision: detections {self.images}: masks must have shape (M, 1, H, W), "
                f"got {found['masks'].shape}"
            )
        if true["masks"].ndim != 3 or true["masks"].shape[1:] != found["masks"].shape[2:]:
            raise ValueError(
                f"average_precision: target {self.images}: masks must have shape (M, H, W), of the "
                f"size of the detections' {found['masks'].shape}, got {true['masks'].shape}"
            )
        if not np.isfinite(found["scores"]).all():
            raise ValueError(f"average_precision: detections {self.images}: scores must be finite")
        true_masks, masks = true["masks"] != 0, found["masks"][:, 0] > 0.5
        true.setdefault("area", true_masks.sum(axis=(1, 2)))
        true.setdefault("iscrowd", np.zeros(len(true_masks), bool))
        self._sizes.append(true_masks.shape[1:])
        self._true += self._annotations(true, true_masks, len(self._true), "area", "iscrowd")
        self._found += self._annotations(found, masks, len(self._found), "scores")

    def scores(self) -> dict[str, float]:
        """Return the scores of the images so far, as `average_precision`."""
        require("pycocotools", "average precision")
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        scores: dict[str, float] = {}
        for kind, name in KINDS.items():
            with contextlib.redirect_stdout(io.StringIO()):
                evaluation = COCOeval(
                    self._index(COCO, self._true), self._index(COCO, self._found, kind), name
                )
                evaluation.params.maxDets = [1, 10, self._most()]
                evaluation.evaluate()
                evaluation.accumulate()
            # of each threshold, recall, class, size and limit; −1 where there is nothing to find
            precision = evaluation.eval["precision"][..., -1]  # (T, R, K, A)
            for score, (thresholds, size) in SCORES.items():
                known = precision[thresholds, :, :, size]
                known = known[known >= 0]
                scores[f"{kind}_{score}"] = float(known.mean()) if known.size else float("nan")
        return scores

    def _most(self) -> int:
        """Return how many detections of an image count: COCO's hundred, or as many as objects."""
        images = [entry["image_id"] for entry in self._true]
        return max(MOST, int(np.bincount(images).max(initial=0)) if images else 0)

    def _annotations(
        self, told: dict[str, Any], masks: Any, before: int, *extras: str
    ) -> list[dict[str, Any]]:
        """Write objects as COCO does; ids begin at 1, because 0 means to it that there is none."""
        corners = told["boxes"].astype(np.float64)
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        names = {"scores": "score", "area": "area", "iscrowd": "iscrowd"}
        return [
            {
                "id": before + row + 1,
                "image_id": self.images,
                "category_id": int(told["labels"][row]),
                "bbox": boxes[row].tolist(),
                "segmentation": encode_mask(mask),
                "pixels": int(mask.sum()),
                "iscrowd": 0,
                **{names[extra]: told[extra][row].item() for extra in extras},
            }
            for row, mask in enumerate(masks)
        ]

    def _index(self, coco: Any, annotations: list[dict[str, Any]], kind: str = "") -> Any:
        """Hand objects over in memory. A detection's size is that of its mask or its box."""
        entries = [dict(entry) for entry in annotations]  # COCOeval writes into them
        for entry in entries:
            if kind:
                _, _, width, height = entry["bbox"]
                entry["area"] = entry["pixels"] if kind == "mask" else width * height
            entry["iscrowd"] = int(entry["iscrowd"])
        labels = sorted({entry["category_id"] for entry in self._true + self._found})
        index = coco()
        index.dataset = {
            "images": [
                {"id": number, "height": height, "width": width}
                for number, (height, width) in enumerate(self._sizes, start=1)
            ],
            "categories": [{"id": label, "name": str(label)} for label in labels],
            "annotations": entries,
        }
        index.createIndex()
        return index


def _read(what: str, told: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Bring the arrays to the CPU, and check that there is one row an object in each."""
    missing = [name for name in names if name not in told]
    if missing:
        raise ValueError(f"average_precision: {what} lacks {', '.join(missing)}")
    optional = [name for name in ("iscrowd", "area") if name in told]
    arrays = {name: np.asarray(on_cpu(told[name])) for name in (*names, *optional)}
    count = len(arrays["labels"])
    for name, array in arrays.items():
        expected = {"boxes": (count, 4), "masks": (count, *array.shape[1:])}.get(name, (count,))
        if array.shape != expected:
            raise ValueError(
                f"average_precision: {what}: {name} must have shape {expected}, as {count} labels "
                f"need, got {array.shape}"
            )
    return arrays
