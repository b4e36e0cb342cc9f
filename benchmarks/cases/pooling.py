"""Max pooling with indices, max unpooling, average pooling: windows of 2 with a step of 2."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from minis.learn.costs import Cost

from ..task import BACKWARD, Work
from .case import Arrays, Case, Shape

WINDOW = 2


@dataclass(frozen=True)
class Pooling(Case):
    """A pooling operation on maps of shape `x`."""

    x: Shape = ()

    @property
    def pooled(self) -> Shape:
        """The shape of the small map."""
        return (*self.x[:2], *(s // WINDOW for s in self.x[2:]))

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw x."""
        return {"x": rng.standard_normal(self.x, dtype=np.float32)}

    def function(self, torch: Any, name: str) -> Any:
        """Return PyTorch's function for two or three axes."""
        return getattr(torch.nn.functional, f"{name}{len(self.x) - 2}d")


@dataclass(frozen=True)
class MaxPooling(Pooling):
    """Max pooling that returns indices."""

    results: ClassVar[tuple[str, ...]] = ("y", "indices")

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `max_pool`."""
        return tuple(ops.max_pool(a["x"], WINDOW))

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `max_pool_backward`."""
        return ops.max_pool_backward(dy, forward[1], self.x)

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `max_pool2d` or `max_pool3d`."""
        return tuple(self.function(torch, "max_pool")(t["x"], WINDOW, return_indices=True))


@dataclass(frozen=True)
class MaxUnpooling(Pooling):
    """Max unpooling of a small map, with the indices of max pooling."""

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw the small map, and a place in each window."""
        place = np.zeros(self.pooled, np.int64)
        for axis, size in enumerate(self.pooled[2:], start=2):
            along = np.arange(size).reshape(-1, *(1 for _ in self.pooled[axis + 1 :]))
            within = rng.integers(0, WINDOW, self.pooled)
            place = place * self.x[axis] + WINDOW * along + within
        return {"x": rng.standard_normal(self.pooled, dtype=np.float32), "indices": place}

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `max_unpool`."""
        return (ops.max_unpool(a["x"], a["indices"], self.x[2:]),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `max_unpool_backward`."""
        return ops.max_unpool_backward(dy, a["indices"])

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `max_unpool2d` or `max_unpool3d`."""
        return (self.function(torch, "max_unpool")(t["x"], t["indices"], WINDOW),)

    def work(self, pass_: str, counted: Mapping[str, Cost]) -> Work:
        """Of dy, only the values at the indices must be read."""
        work = super().work(pass_, counted)
        if pass_ != BACKWARD:
            return work
        unread = math.prod(self.x) - math.prod(self.pooled)
        return work._replace(bytes=work.bytes - unread * np.dtype(np.float32).itemsize)


@dataclass(frozen=True)
class AveragePooling(Pooling):
    """Average pooling."""

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `avg_pool`."""
        return (ops.avg_pool(a["x"], WINDOW),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `avg_pool_backward`."""
        return ops.avg_pool_backward(dy, self.x, WINDOW)

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `avg_pool2d` or `avg_pool3d`."""
        return (self.function(torch, "avg_pool")(t["x"], WINDOW),)


FLAT, SOLID = (8, 64, 128, 128), (1, 32, 64, 64, 64)

POOLING: tuple[Case, ...] = (
    MaxPooling("max-pool", "max pool 2, 8×64 at 128²", True, x=FLAT),
    MaxPooling("max-pool-3d", "max pool 2, 32 at 64³", x=SOLID),
    MaxUnpooling("max-unpool", "max unpool 2, 8×64 to 128²", x=FLAT),
    MaxUnpooling("max-unpool-3d", "max unpool 2, 32 to 64³", x=SOLID),
    AveragePooling("avg-pool", "average pool 2, 8×64 at 128²", x=FLAT),
)
