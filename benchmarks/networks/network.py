"""A network of the model suite: an inference, and a training step.

A training step is forward, softmax cross-entropy, backward, and a step of SGD with momentum, with
the gradients set to zero (minis) or dropped (PyTorch) beforehand, as each does by default.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..task import OUR_BACKENDS, SEED, Prepared, Work

INFERENCE, TRAINING = "inference", "training"
LR, MOMENTUM = 1e-3, 0.9
EXACT = 5e-5  # of the largest value of the logits
EXACT_GRADIENT = 4e-2  # of the norm of a parameter's gradient; PyTorch's own is 5e-3 in U-Net


def load(path: str) -> Any:
    """Import "module:name".

    Examples
    --------
    >>> load("math:pi")
    3.141592653589793
    """
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class SemanticNetwork:
    """A network that maps images to the logits of every pixel.

    Attributes
    ----------
    key, label : str
        Its name on the command line, and in the table.
    quick : bool
        Whether `--quick` runs it.
    ours, theirs : str
        "module:name" of the class in minis, and of the PyTorch class with the same parameters'
        names.
    options : dict
        Keyword arguments of the class in minis.
    their_options : dict, optional
        Those of the PyTorch class, where they are other ones.
    x, y : tuple of int
        Shape of the images; spatial shape of the logits.
    exact, exact_gradient : float
        The largest errors that count as exact in float32; see `benchmarks.validation`.
    """

    key: str
    label: str
    ours: str
    theirs: str
    options: Mapping[str, Any] = field(default_factory=dict)
    their_options: Mapping[str, Any] | None = None
    x: tuple[int, ...] = ()
    y: tuple[int, ...] = ()
    quick: bool = False
    passes: tuple[str, ...] = (INFERENCE, TRAINING)
    exact: float = EXACT
    exact_gradient: float = EXACT_GRADIENT

    def limit(self, pass_: str) -> float:
        """Return the largest error that counts as exact in float32."""
        return self.exact if pass_ == INFERENCE else self.exact_gradient

    def by_norm(self, pass_: str) -> bool:
        """Measure gradients by their norms."""
        return pass_ == TRAINING

    def work(self, pass_: str) -> Work | None:
        """Leave it to the reference, which counts the convolutions as it runs."""
        return None

    def prepare(self, implementation: str, pass_: str, dtype: Any, files: Path) -> Prepared:
        """Build the network with the shared weights: see `Task.prepare`."""
        x, labels = self.draw(dtype)
        if implementation in OUR_BACKENDS:
            return self._prepare_minis(implementation, pass_, x, labels, files)
        if implementation == "torch":
            return self._prepare_torch(pass_, x, labels, files)
        if pass_ != INFERENCE:
            raise ValueError(f"{implementation} is compared in inference only")
        from . import exported

        run = exported.RUNNERS[implementation](self.onnx_file(files), x)
        return Prepared(run, lambda value: {"y": value})

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

    def weights(self, files: Path) -> Path:
        """Return the file of the weights, written at the first call."""
        path = files / f"{self.key}.npz"
        if not path.exists():
            state = load(self.ours)(**self.options).state_dict()
            rng = np.random.default_rng(SEED)
            for name, value in state.items():
                if name.endswith("weight") and not value.any():  # zeros would hide what feeds them
                    state[name] = 0.02 * rng.standard_normal(value.shape, dtype=np.float32)
                if name.endswith("running_mean"):
                    state[name] = 0.1 * rng.standard_normal(value.shape, dtype=np.float32)
                if name.endswith("running_var"):
                    state[name] = 0.5 + rng.random(value.shape, dtype=np.float32)
            temporary = path.with_suffix(".part.npz")
            np.savez(temporary, **state)
            temporary.replace(path)
        return path

    def torch_model(self, files: Path) -> Any:
        """Build the network in PyTorch."""
        import torch

        options = self.options if self.their_options is None else self.their_options
        model = load(self.theirs)(**options)
        own = model.state_dict()
        with np.load(self.weights(files)) as state, torch.no_grad():
            for name in state.files:  # one at a time, so that memory stays small
                own.pop(name).copy_(torch.from_numpy(state[name]))
        left = [name for name in own if not name.endswith("num_batches_tracked")]
        if left:
            raise ValueError(f"{self.key}: no weights for {', '.join(left)}")
        return model

    def _prepare_minis(
        self, backend: str, pass_: str, x: Any, labels: Any, files: Path
    ) -> Prepared:
        import minis
        from minis import ops
        from minis.training import SGD

        minis.use(backend)
        model = load(self.ours)(**self.options)
        with np.load(self.weights(files)) as state:
            model.load_state_dict(state)
        if x.dtype != np.float32:
            model.astype(x.dtype)
        if pass_ == INFERENCE:
            model.eval()
            return Prepared(lambda: model(x), lambda value: {"y": value})
        model.train()
        optimiser = SGD(model.named_parameters(), LR, momentum=MOMENTUM)

        def step() -> Any:
            model.zero_grad()
            loss, probabilities = ops.cross_entropy(model(x), labels)
            model.backward(ops.cross_entropy_backward(1.0, probabilities, labels))
            optimiser.step()
            return loss

        def results(loss: Any) -> dict[str, Any]:
            return {"loss": loss} | {n: p.grad for n, p in model.named_parameters()}

        return Prepared(step, results)

    def _prepare_torch(self, pass_: str, x: Any, labels: Any, files: Path) -> Prepared:
        import torch

        model = self.torch_model(files).to(torch.from_numpy(x).dtype)
        images, targets = torch.from_numpy(x), torch.from_numpy(labels)
        if pass_ == INFERENCE:
            model.eval()

            def infer() -> Any:
                with torch.inference_mode():
                    return model(images)

            return Prepared(infer, lambda value: {"y": value.numpy()})
        model.train()
        optimiser = torch.optim.SGD(model.parameters(), LR, momentum=MOMENTUM)

        def step() -> Any:
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(images), targets)
            loss.backward()
            optimiser.step()
            return loss

        def results(loss: Any) -> dict[str, Any]:
            learned = ((n, p) for n, p in model.named_parameters() if p.requires_grad)
            grads = {name: p.grad.numpy() for name, p in learned}
            return {"loss": loss.detach().numpy()} | grads

        return Prepared(step, results)
