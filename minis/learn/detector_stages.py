"""What Mask R-CNN computes on its way from an image to its objects, stage by stage.

Nothing is computed here. An observer looks on while the network runs, and keeps what its parts were
given and what they returned; so the stages are those of that run, and can't differ from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import on_cpu, serve
from ..models import MaskRCNN
from ..models.mask_rcnn.multi_scale import assign_levels, level_scale
from ..observer import Observer, unobserved
from ..training.device import to_device_of

KEPT = (  # modules by their names, and operations after the name of the module that calls them
    "transform",
    "backbone",
    "rpn.generate_anchors",
    "rpn.head",
    "rpn.batched_nms",
    "rpn",
    "roi_heads.box_pool",
    "roi_heads.softmax",
    "roi_heads.batched_nms",
    "roi_heads.mask_pool",
    "roi_heads.mask_predictor",
    "roi_heads",
)


@dataclass(frozen=True)
class Boxes:
    """Some boxes of one image.

    Attributes
    ----------
    boxes : (P, 4) array
        Rows x1, y1, x2, y2 in pixels of the resized image.
    scores : (P,) array
        Probabilities.
    groups : (P,) integer array
        Only boxes of one group compete: their level in the first stage, their class in the second.
    """

    boxes: Any
    scores: Any
    groups: Any

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Stages:
    """What `stages` gives; all arrays are in the computer's memory.

    Attributes
    ----------
    image : (C, H, W) array
        As it was given.
    resized : (C, H', W') array
        In the same range, resized and padded.
    seen : (C, H', W') array
        What the network gets: `resized`, normalised.
    size : (int, int)
        Height and width of the resized image, without padding.
    features : list of (C, H_l, W_l) arrays
        P2 … P6.
    anchors : list of (H_l · W_l · A, 4) arrays
    objectness : list of (A, H_l, W_l) arrays
        Logits: how likely each anchor holds an object.
    candidates, proposals : Boxes
        What enters the suppression of the first stage, and what it proposes.
    regions : (P, C, 7, 7) array
        What RoIAlign cuts out of the features for each proposal.
    levels : (P,) int array
        The level that each is read from, 0 being P2.
    class_scores : (P, K) array
        Probability of each class for each proposal; class 0 is the background.
    class_candidates, found : Boxes
        What enters the suppression of the second stage, and what comes out of it.
    mask_regions : (D, C, 14, 14) array
        What RoIAlign cuts out for each box that was found.
    mask_logits : (D, K, 28, 28) array
    mask_probabilities : (D, 1, 28, 28) array
        Of its own class.
    detections : dict
        What the network returns for this image.
    thresholds : (float, float)
        Of both suppressions: the IoU beyond which the weaker of two boxes is dropped.
    """

    image: Any
    resized: Any
    seen: Any
    size: tuple[int, int]
    features: list[Any]
    anchors: list[Any]
    objectness: list[Any]
    candidates: Boxes
    proposals: Boxes
    regions: Any
    levels: Any
    class_scores: Any
    class_candidates: Boxes
    found: Boxes
    mask_regions: Any
    mask_logits: Any
    mask_probabilities: Any
    detections: dict[str, Any]
    thresholds: tuple[float, float]


def stages(model: MaskRCNN, image: Any) -> Stages:
    """Find the objects of an image, and keep what is computed on the way.

    Parameters
    ----------
    model : MaskRCNN
        It is run in evaluation mode, and left in the mode in which it came.
    image : (C, H, W) float array
        Colours in 0 … 1.

    Returns
    -------
    Stages

    Raises
    ------
    TypeError
        If the model is another network, or the image isn't of floats.
    ValueError
        If the image hasn't the network's channels.

    Examples
    --------
    >>> found = stages(MaskRCNN.mini(num_classes=3), np.zeros((3, 60, 90), np.float32))
    >>> found.seen.shape, len(found.candidates), len(found.proposals)
    ((3, 128, 192), 390, 100)
    """
    if not isinstance(model, MaskRCNN):
        raise TypeError(f"stages: expected a MaskRCNN, got a {type(model).__name__}")
    onlooker = _Onlooker(model)
    was_training = model.training
    model.eval()
    try:
        with onlooker.looking_on():
            (detections,) = model([to_device_of(model, image)])
    finally:
        model.train(was_training)
    return _stages_of(model, image, onlooker.kept, detections)


@dataclass(frozen=True)
class _Call:
    """What a part was given and what it returned."""

    inputs: tuple[Any, ...]
    result: Any


class _Onlooker(Observer):
    """The observer that keeps calls."""

    def __init__(self, model: MaskRCNN) -> None:
        self.kept: dict[str, list[_Call]] = defaultdict(list)
        self._names = {id(module): name for name, module in model.modules()}
        self._running: list[str] = []

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation; one within another is part of it."""
        with unobserved():
            result = serve(reference, args, options)[0]
        self._keep(f"{self._running[-1]}.{reference.__name__}", args, result)
        return result

    def layer(
        self,
        method: Callable[..., Any],
        module: Any,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward`."""
        name = self._names.get(id(module), type(module).__name__)
        self._running.append(name)
        try:
            result = method(module, *inputs, **options)
        finally:
            self._running.pop()
        self._keep(name, inputs, result)
        return result

    def _keep(self, name: str, inputs: tuple[Any, ...], result: Any) -> None:
        if name in KEPT:
            self.kept[name].append(_Call(inputs, result))


def _stages_of(
    model: MaskRCNN, image: Any, kept: dict[str, list[_Call]], detections: dict[str, Any]
) -> Stages:
    """Name what was kept, for the one image that the batch is of."""
    calls = {name: kept[name][0] for name in KEPT}  # all but the head are called once
    batch, (size,), _ = calls["transform"].result
    ((proposals,), _), ((found,), _) = calls["rpn"].result, calls["roi_heads"].result
    candidates, proposed = _suppressed(calls["rpn.batched_nms"], len(proposals))
    class_candidates, best = _suppressed(calls["roi_heads.batched_nms"], len(found["boxes"]))
    levels, (boxes,), padded = calls["roi_heads.box_pool"].inputs
    seen = on_cpu(batch[0])
    transform = model.transform
    mean, std = (np.array(a, seen.dtype)[:, None, None] for a in (transform.mean, transform.std))
    resized = np.zeros_like(seen)
    inside = (slice(None), *map(slice, size))
    resized[inside] = (seen * std + mean)[inside]
    scales = [level_scale(x.shape[2:], padded) for x in levels]
    return Stages(
        image=on_cpu(image),
        resized=resized,
        seen=seen,
        size=size,
        features=[on_cpu(x[0]) for x in calls["backbone"].result],
        anchors=[on_cpu(level) for level in calls["rpn.generate_anchors"].result],
        objectness=[on_cpu(call.result[0][0]) for call in kept["rpn.head"]],
        candidates=candidates,
        proposals=proposed,
        regions=on_cpu(calls["roi_heads.box_pool"].result),
        levels=on_cpu(assign_levels(boxes, scales)),
        class_scores=on_cpu(calls["roi_heads.softmax"].result),
        class_candidates=class_candidates,
        found=best,
        mask_regions=on_cpu(calls["roi_heads.mask_pool"].result),
        mask_logits=on_cpu(calls["roi_heads.mask_predictor"].result),
        mask_probabilities=on_cpu(found["masks"]),
        detections={name: on_cpu(array) for name, array in detections.items()},
        thresholds=(calls["rpn.batched_nms"].inputs[3], calls["roi_heads.batched_nms"].inputs[3]),
    )


def _suppressed(call: _Call, count: int) -> tuple[Boxes, Boxes]:
    """Return what entered a suppression, and the best `count` of what it left."""
    boxes, scores, groups = (on_cpu(a) for a in call.inputs[:3])
    best = on_cpu(call.result)[:count]
    return Boxes(boxes, scores, groups), Boxes(boxes[best], scores[best], groups[best])
