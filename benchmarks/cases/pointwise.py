"""Operations that do little with every value: resizing, norms, the loss, activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .case import Arrays, Case, Shape

MAPS = (8, 64, 128, 128)


@dataclass(frozen=True)
class Pointwise(Case):
    """An operation on maps of shape `x`."""

    x: Shape = MAPS

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw x."""
        return {"x": rng.standard_normal(self.x, dtype=np.float32)}


@dataclass(frozen=True)
class ReLU(Pointwise):
    """The rectifier; backward reads its output."""

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `relu`."""
        return (ops.relu(a["x"]),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `relu_backward`."""
        return ops.relu_backward(dy, forward[0])

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `relu`."""
        return (torch.relu(t["x"]),)


@dataclass(frozen=True)
class PReLU(Pointwise):
    """The rectifier with a slope learned for each channel."""

    gradients: ClassVar[tuple[str, ...]] = ("x", "a")

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw x and the slopes."""
        return {**super().draw(rng), "a": rng.random(self.x[1], dtype=np.float32)}

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `prelu`."""
        return (ops.prelu(a["x"], a["a"]),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `prelu_backward`."""
        return ops.prelu_backward(dy, a["x"], a["a"])

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `prelu`."""
        return (torch.nn.functional.prelu(t["x"], t["a"]),)


@dataclass(frozen=True)
class BatchNorm(Pointwise):
    """Batch norm in training: both sides also return the new running statistics."""

    gradients: ClassVar[tuple[str, ...]] = ("x", "gamma", "beta")
    results: ClassVar[tuple[str, ...]] = ("y", "new_running_mean", "new_running_var")

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw x, off centre, with gamma, beta and running statistics."""
        channels = self.x[1]
        return {
            "x": rng.standard_normal(self.x, dtype=np.float32) + np.float32(0.5),
            "gamma": rng.standard_normal(channels, dtype=np.float32),
            "beta": rng.standard_normal(channels, dtype=np.float32),
            "running_mean": rng.standard_normal(channels, dtype=np.float32),
            "running_var": rng.random(channels, dtype=np.float32),
        }

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `batch_norm`."""
        running = a["running_mean"], a["running_var"]
        return tuple(ops.batch_norm(a["x"], a["gamma"], a["beta"], *running, training=True))

    def shown(self, forward: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return y and the new running statistics."""
        return forward[0], forward[3], forward[4]

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `batch_norm_backward`."""
        return ops.batch_norm_backward(
            dy, a["x"], a["gamma"], forward[1], forward[2], training=True
        )

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `batch_norm`, which writes to the running statistics: on copies."""
        mean, var = t["running_mean"].clone(), t["running_var"].clone()
        batch_norm = torch.nn.functional.batch_norm
        return batch_norm(t["x"], mean, var, t["gamma"], t["beta"], training=True), mean, var


@dataclass(frozen=True)
class GroupNorm(Pointwise):
    """Group norm of 32 groups, as a detector that learns from scratch has it."""

    gradients: ClassVar[tuple[str, ...]] = ("x", "gamma", "beta")
    groups: ClassVar[int] = 32

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw x, off centre, with gamma and beta."""
        channels = self.x[1]
        return {
            "x": rng.standard_normal(self.x, dtype=np.float32) + np.float32(0.5),
            "gamma": rng.standard_normal(channels, dtype=np.float32),
            "beta": rng.standard_normal(channels, dtype=np.float32),
        }

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `group_norm`: y, mean and 1/deviation."""
        return tuple(ops.group_norm(a["x"], a["gamma"], a["beta"], self.groups))

    def shown(self, forward: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return y; PyTorch keeps its statistics to itself."""
        return forward[:1]

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `group_norm_backward`."""
        return ops.group_norm_backward(dy, a["x"], a["gamma"], forward[1], forward[2], self.groups)

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `group_norm`."""
        return (torch.nn.functional.group_norm(t["x"], self.groups, t["gamma"], t["beta"]),)


@dataclass(frozen=True)
class CrossEntropy(Pointwise):
    """Softmax cross-entropy of the logits `x` over the second axis: the mean over all pixels."""

    results: ClassVar[tuple[str, ...]] = ("loss",)

    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw logits and labels."""
        labels = rng.integers(0, self.x[1], (self.x[0], *self.x[2:]))
        return {**super().draw(rng), "labels": labels}

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `cross_entropy`: loss and probabilities."""
        return tuple(ops.cross_entropy(a["x"], a["labels"]))

    def shown(self, forward: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the loss; PyTorch keeps its probabilities to itself."""
        return forward[:1]

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `cross_entropy_backward`."""
        return ops.cross_entropy_backward(float(dy), forward[1], a["labels"])

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `cross_entropy`."""
        return (torch.nn.functional.cross_entropy(t["x"], t["labels"]),)


@dataclass(frozen=True)
class BilinearDoubling(Pointwise):
    """Bilinear interpolation to twice the size."""

    @property
    def doubled(self) -> tuple[int, ...]:
        """The result's spatial shape."""
        return tuple(2 * s for s in self.x[2:])

    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call `interpolate`."""
        return (ops.interpolate(a["x"], self.doubled, mode="linear"),)

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call `interpolate_backward`."""
        return ops.interpolate_backward(dy, self.x, mode="linear")

    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call `interpolate`."""
        interpolate = torch.nn.functional.interpolate
        return (interpolate(t["x"], self.doubled, mode="bilinear", align_corners=False),)


POINTWISE: tuple[Case, ...] = (
    BilinearDoubling("bilinear", "bilinear ×2, 8×64 to 128²", x=(8, 64, 64, 64)),
    BatchNorm("batch-norm", "batch norm in training, 8×64 at 128²", True),
    GroupNorm("group-norm", "group norm, 32 groups, 8×64 at 128²"),
    CrossEntropy("cross-entropy", "softmax cross-entropy, 8×21 at 128²", x=(8, 21, 128, 128)),
    ReLU("relu", "ReLU, 8×64 at 128²", True),
    PReLU("prelu", "PReLU, 8×64 at 128²"),
)
