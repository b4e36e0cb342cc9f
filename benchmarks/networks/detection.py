"""Networks that find objects, each with its mask.

PyTorch itself has none: torchvision's Mask R-CNN stands on its side where torchvision is installed,
else the one of `tests/reference`, written with PyTorch's own operations. The row says which.

What such a network computes depends on which boxes it selects, and two boxes whose scores float32
can't tell apart may change places. So both sides draw the same samples for the losses, by rules
that a changed order hardly moves, weights are such that scores lie apart, and detections are
compared one by one: see `matching`. Steps are too small to change what is selected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minis.backend import array_namespace

from ..cases.regions import torchvision_ops
from ..places import in_numpy
from ..task import SEED, Arrays
from .matching import matched
from .network import Network, load


@dataclass(frozen=True)
class DetectionNetwork(Network):
    """A network that maps images to boxes, classes, scores and masks.

    Attributes
    ----------
    images : tuple of (height, width)
    objects : int
        In each image.
    torchvision : str
        "module:name" of a function that builds torchvision's network from `options`, if
        torchvision has it.
    left_out, without_torchvision : str
        Why inference engines don't run it, and PyTorch on a GPU.
    """

    images: tuple[tuple[int, int], ...] = ()
    objects: int = 6
    torchvision: str = ""
    left_out: ClassVar[str] = "left out: how many boxes are selected is no fixed size to export"
    without_torchvision: ClassVar[str] = (
        "left out: torchvision has no such network here, and the one that is composed of PyTorch "
        "operations runs on the CPU only"
    )
    lr: ClassVar[float] = 1e-9

    def draw(self, dtype: Any) -> tuple[Any, Any]:
        """Draw images of ellipses in noise; their boxes have whole numbers."""
        from tests.golden.mask_rcnn import configurations

        targets = [
            configurations.objects(SEED + n, *size, self.objects, self.options["num_classes"])
            for n, size in enumerate(self.images)
        ]
        images = [configurations.image(SEED + n, t).astype(dtype) for n, t in enumerate(targets)]
        return images, [{**t, "boxes": t["boxes"].astype(dtype)} for t in targets]

    def draw_weights(self, state: dict[str, Any]) -> dict[str, Any]:
        """Draw those of the golden files: there is much to find, of middling scores."""
        from tests.golden.mask_rcnn import configurations

        drawn = configurations.weights({name: value.shape for name, value in state.items()})
        return {name: value.astype(np.float32) for name, value in drawn.items()}

    def results(self, value: Any) -> Arrays:
        """Name what was found in the images, one after the other."""
        found: dict[str, Any] = {}
        for n, one in enumerate(value):
            found |= {f"{n}/{name}": in_numpy(array) for name, array in one.items()}
        return found

    def aligned(self, results: Arrays, reference: Arrays) -> tuple[Arrays, Arrays]:
        """Pair the detections of each image."""
        return matched(results, reference)

    def learned(self, model: Any) -> dict[str, Any]:
        """Return all but the frozen layers."""
        return dict(model.trainable())

    def build(self) -> Any:
        """Build the network in minis; its samples follow the rules."""
        model = super().build()
        model.rpn.sampler, model.roi_heads.sampler = spread, first
        return model

    def build_torch(self) -> Any:
        """Build torchvision's network or ours in PyTorch; its samples follow the rules."""
        if self.uses_torchvision():
            return load(self.torchvision)(self.options, spread, first)
        model = super().build_torch()
        model.draw_anchors, model.roi_heads.draw = spread, first
        return model

    def uses_torchvision(self) -> bool:
        """Whether torchvision has this network and can be loaded."""
        return bool(self.torchvision) and torchvision_ops() is not None

    def torch_note(self) -> str:
        """Say whose network it is."""
        return (
            "torchvision's network"
            if self.uses_torchvision()
            else ("composed of PyTorch operations, without torchvision")
        )

    def losses(self, model: Any, x: Any, target: Any) -> Arrays:
        """All five."""
        losses: Arrays = model(x, target)
        model.backward()
        return losses

    def torch_losses(self, model: Any, x: Any, target: Any) -> Mapping[str, Any]:
        """All five."""
        losses: Mapping[str, Any] = model(x, target)
        return losses


Indices = tuple[Any, Any]
Rule = Callable[[Any, int, float], Indices]


def first(labels: Any, count: int, fraction: float) -> Indices:
    """Take the first: of proposals, the best.

    Examples
    --------
    >>> first(np.array([0, 3, -1, 0, 1, 0]), 3, 0.34)
    (array([1]), array([0, 3]))
    """
    xp = array_namespace(labels)
    positive = xp.flatnonzero(labels > 0)[: int(count * fraction)]
    return positive, xp.flatnonzero(labels == 0)[: count - len(positive)]


def spread(labels: Any, count: int, fraction: float) -> Indices:
    """Take background from everywhere; anchors have an order that doesn't depend on scores.

    Examples
    --------
    >>> spread(np.array([0, 3, -1, 0, 1, 0]), 3, 0.34)
    (array([1]), array([0, 5]))
    """
    xp = array_namespace(labels)
    positive = xp.flatnonzero(labels > 0)[: int(count * fraction)]
    negative = xp.flatnonzero(labels == 0)
    rest = min(len(negative), count - len(positive))
    # NumPy everywhere: a GPU's linspace may fall on the other side of a whole number
    return positive, negative[xp.asarray(np.linspace(0, len(negative) - 1, rest).astype(int))]
