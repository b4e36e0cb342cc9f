"""RoIAlign and non-maximum suppression, as Mask R-CNN uses them.

PyTorch itself has neither: torchvision's functions are taken, or where it is missing, compositions
of PyTorch's operations.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minis.learn.costs import Cost

from ..task import Work
from .case import Arrays, Case, Shape

IMAGE = 256.0


@functools.cache
def torchvision_ops() -> Any:
    """Return torchvision's operations, or None where it is missing or doesn't fit PyTorch."""
    try:
        import torchvision
    except (ImportError, RuntimeError, OSError):  # built for another PyTorch, it fails to load
        return None
    return torchvision.ops


def draw_boxes(rng: np.random.Generator, count: int) -> Any:
    """Draw boxes (x1, y1, x2, y2) with sides of 16 to 128 pixels, cut at the image's edges."""
    centre = rng.uniform(0, IMAGE, (count, 2))
    half = rng.uniform(16, 128, (count, 2)) / 2
    corners = np.clip([centre - half, centre + half], 0, IMAGE)
    return np.concatenate(corners, axis=1).astype(np.float32)


@dataclass(frozen=True)
class RoIAlign(Case):
    """RoIAlign of `boxes` boxes at a quarter of the image's size."""

    x: Shape = (1, 256, 64, 64)
    boxes: int = 512
    bins: int = 7
    ratio: int = 2

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments, which are the same in minis and in torchvision."""
        return {"spatial_scale": self.x[-1] / IMAGE, "sampling_ratio": self.ratio}

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw the maps and the boxes."""
        image = rng.integers(0, self.x[0], (self.boxes, 1)).astype(np.float32)
        return {
            "x": rng.standard_normal(self.x, dtype=np.float32),
            "boxes": np.concatenate([image, draw_boxes(rng, self.boxes)], axis=1),
        }

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `roi_align`."""
        return (ops.roi_align(a["x"], a["boxes"], self.bins, **self.options),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `roi_align_backward`."""
        return ops.roi_align_backward(dy, a["boxes"], self.x, **self.options)

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call torchvision's `roi_align`, or the composition."""
        from . import torch_regions

        function = (torchvision_ops() or torch_regions).roi_align
        return (function(t["x"], t["boxes"], self.bins, **self.options),)

    def torch_note(self) -> str:
        """Say which it is."""
        return _origin()


@dataclass(frozen=True)
class NMS(Case):
    """Non-maximum suppression; what it has to do depends on the boxes, so no rate is given."""

    gradients: ClassVar[tuple[str, ...]] = ()
    results: ClassVar[tuple[str, ...]] = ("kept",)
    boxes: int = 2000
    threshold: float = 0.5

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw boxes and scores."""
        return {
            "boxes": draw_boxes(rng, self.boxes),
            "scores": rng.random(self.boxes, dtype=np.float32),
        }

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `nms`."""
        return (ops.nms(a["boxes"], a["scores"], self.threshold),)

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call torchvision's `nms`, or the composition."""
        from . import torch_regions

        function = (torchvision_ops() or torch_regions).nms
        return (function(t["boxes"], t["scores"], self.threshold),)

    def torch_note(self) -> str:
        """Say which it is."""
        return _origin()

    def work(self, pass_: str, counted: Mapping[str, Cost]) -> Work:
        """Leave it open."""
        return Work(0.0, 0.0)


def _origin() -> str:
    return "torchvision" if torchvision_ops() else "composed of PyTorch operations"


REGIONS: tuple[Case, ...] = (
    RoIAlign("roi-align", "RoIAlign 7×7, 512 boxes, 256 at 64²", True),
    NMS("nms", "NMS of 2,000 boxes", True),
)
