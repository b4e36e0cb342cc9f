"""Networks that say of each pixel what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..places import in_numpy
from ..task import SEED, Arrays, Prepared
from .network import INFERENCE, Network


@dataclass(frozen=True)
class SemanticNetwork(Network):
    """A network that maps images to the logits of every pixel.

    Attributes
    ----------
    x, y : tuple of int
        Shape of the images; spatial shape of the logits.
    """

    x: tuple[int, ...] = ()
    y: tuple[int, ...] = ()

    def prepare(self, implementation: str, pass_: str, dtype: Any, files: Path) -> Prepared:
        """Build the network with the shared weights; an inference engine reads its file."""
        from . import exported

        if implementation in exported.RUNNERS and pass_ == INFERENCE:
            run = exported.RUNNERS[implementation](self.onnx_file(files), self.draw(dtype)[0])
            return Prepared(run, self.results)
        return super().prepare(implementation, pass_, dtype, files)

    def export(self, files: Path) -> None:
        """Write the network as an ONNX file, which other inference engines read."""
        from . import exported

        x, _ = self.draw(np.float32)
        exported.export(self.torch_model(files).eval(), x, self.onnx_file(files))

    def onnx_file(self, files: Path) -> Path:
        """Name the ONNX file."""
        return files / f"{self.key}.onnx"

    def draw(self, dtype: Any) -> tuple[Any, Any]:
        """Draw images and labels."""
        rng = np.random.default_rng(SEED)
        x = rng.standard_normal(self.x, dtype=np.float32).astype(dtype)
        return x, rng.integers(0, self.options["num_classes"], (self.x[0], *self.y))

    def draw_weights(self, state: dict[str, Any]) -> dict[str, Any]:
        """Take those that minis begins with, but no zeros and no statistics of nothing."""
        rng = np.random.default_rng(SEED)
        for name, value in state.items():
            if name.endswith("weight") and not value.any():  # zeros would hide what feeds them
                state[name] = 0.02 * rng.standard_normal(value.shape, dtype=np.float32)
            if name.endswith("running_mean"):
                state[name] = 0.1 * rng.standard_normal(value.shape, dtype=np.float32)
            if name.endswith("running_var"):
                state[name] = 0.5 + rng.random(value.shape, dtype=np.float32)
        return state

    def results(self, value: Any) -> Arrays:
        """Name the logits."""
        return {"y": in_numpy(value)}

    def losses(self, model: Any, x: Any, target: Any) -> Arrays:
        """Softmax cross-entropy."""
        from minis import ops

        loss, probabilities = ops.cross_entropy(model(x), target)
        model.backward(ops.cross_entropy_backward(1.0, probabilities, target))
        return {"loss": loss}

    def torch_losses(self, model: Any, x: Any, target: Any) -> dict[str, Any]:
        """Softmax cross-entropy."""
        import torch

        return {"loss": torch.nn.functional.cross_entropy(model(x), target)}
