"""A network of the model suite, as minis has it and in PyTorch: an inference, and a training step.

A training step is forward, the losses, backward, and a step of SGD with momentum, with the
gradients set to zero (minis) or dropped (PyTorch) beforehand, as each does by default.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minis.learn.costs import Cost

from ..places import in_numpy, moved, placed
from ..task import CPU, CUDA, FLOAT32, OUR_BACKENDS, TF32, Arrays, Prepared, Work, summed

INFERENCE, TRAINING = "inference", "training"
MOMENTUM = 0.9
COUNTED = {
    f"{name}{end}" for name in ("conv", "conv_transpose", "linear") for end in ("", "_backward")
}
EXACT = 5e-5  # of the largest value of what comes out
EXACT_GRADIENT = 4e-2  # of the norm of a parameter's gradient; PyTorch's own is 5e-3 in U-Net


def load(path: str) -> Any:
    """Import "module:name"; the name may have dots.

    Examples
    --------
    >>> load("math:pi")
    3.141592653589793
    """
    module, name = path.split(":")
    return attrgetter(name)(importlib.import_module(module))


@dataclass(frozen=True)
class Network(ABC):
    """A network with equal weights on both sides.

    Attributes
    ----------
    key, label : str
        Its name on the command line, and in the table.
    quick : bool
        Whether `--quick` runs it.
    ours, theirs : str
        "module:name" of the class in minis, and of the PyTorch class with the same parameters'
        names; or of a class method that builds one.
    options : dict
        Keyword arguments of the class in minis.
    their_options : dict, optional
        Those of the PyTorch class, where they are other ones.
    passes : tuple of str
    exact, exact_gradient : float
        The largest errors that count as exact in float32; see `benchmarks.validation`.
    left_out : str
        Why inference engines don't run it, if so.
    lr : float
        Learning rate of the steps.
    """

    key: str
    label: str
    ours: str
    theirs: str
    options: Mapping[str, Any] = field(default_factory=dict)
    their_options: Mapping[str, Any] | None = None
    quick: bool = False
    passes: tuple[str, ...] = (INFERENCE, TRAINING)
    exact: float = EXACT
    exact_gradient: float = EXACT_GRADIENT
    left_out: ClassVar[str] = ""
    lr: ClassVar[float] = 1e-3

    @abstractmethod
    def draw(self, dtype: Any) -> tuple[Any, Any]:
        """Draw what goes in, and what should come out: the same in every process."""

    @abstractmethod
    def draw_weights(self, state: dict[str, Any]) -> dict[str, Any]:
        """Draw the shared weights, given those that minis begins with."""

    @abstractmethod
    def results(self, value: Any) -> Arrays:
        """Name the arrays of what an inference returned."""

    @abstractmethod
    def losses(self, model: Any, x: Any, target: Any) -> Arrays:
        """Compute the losses of minis' network, and follow them back."""

    @abstractmethod
    def torch_losses(self, model: Any, x: Any, target: Any) -> Mapping[str, Any]:
        """Compute those of PyTorch's network."""

    def learned(self, model: Any) -> dict[str, Any]:
        """Return the parameters of minis' network that are trained."""
        return dict(model.named_parameters())

    def build(self) -> Any:
        """Build the network in minis."""
        return load(self.ours)(**self.options)

    def build_torch(self) -> Any:
        """Build the network in PyTorch."""
        return load(self.theirs)(
            **(self.options if self.their_options is None else self.their_options)
        )

    def torch_note(self) -> str:
        """Say which implementation stands on PyTorch's side, if there is a choice."""
        return ""

    def aligned(self, results: Arrays, reference: Arrays) -> tuple[Arrays, Arrays]:
        """Bring an inference's results and the reference's into one order."""
        return results, reference

    def limit(self, pass_: str, device: str = CPU) -> float:
        """Return the largest error that counts as exact in float32."""
        return self.exact if pass_ == INFERENCE else self.exact_gradient

    def precision(self, device: str) -> str:
        """Let a GPU take TF32."""
        return TF32 if device == CUDA else FLOAT32

    def precision_checked(self, device: str) -> str:
        """Check in float32: rounded to TF32, other maxima win and other boxes are selected."""
        return FLOAT32

    def by_norm(self, pass_: str) -> bool:
        """Measure gradients by their norms."""
        return pass_ == TRAINING

    def work(self, pass_: str, counted: Mapping[str, Cost]) -> Work:
        """Return the operations of the convolutions and linear layers, and no bytes."""
        found = summed(cost for name, cost in counted.items() if name in COUNTED)
        return found._replace(bytes=0.0)

    def prepare(self, implementation: str, pass_: str, dtype: Any, files: Path) -> Prepared:
        """Build the network with the shared weights: see `Task.prepare`."""
        x, target = (placed(drawn, implementation) for drawn in self.draw(dtype))
        if implementation in OUR_BACKENDS:
            return self._prepare_minis(implementation, pass_, x, target, dtype, files)
        if implementation in ("torch", "torch-cuda"):
            return self._prepare_torch(implementation, pass_, x, target, files)
        raise ValueError(f"{self.key} is not compared with {implementation} in {pass_}")

    def weights(self, files: Path) -> Path:
        """Return the file of the weights, written at the first call."""
        path = files / f"{self.key}.npz"
        if not path.exists():
            temporary = path.with_suffix(".part.npz")
            np.savez(temporary, **self.draw_weights(self.build().state_dict()))
            temporary.replace(path)
        return path

    def torch_model(self, files: Path) -> Any:
        """Build the network in PyTorch, with the shared weights."""
        import torch

        model = self.build_torch()
        own = model.state_dict()
        with np.load(self.weights(files)) as state, torch.no_grad():
            for name in state.files:  # one at a time, so that memory stays small
                own.pop(name).copy_(torch.from_numpy(state[name]))
        left = [name for name in own if not name.endswith("num_batches_tracked")]
        if left:
            raise ValueError(f"{self.key}: no weights for {', '.join(left)}")
        return model

    def _prepare_minis(
        self, backend: str, pass_: str, x: Any, target: Any, dtype: Any, files: Path
    ) -> Prepared:
        import minis
        from minis.training import SGD

        minis.use(backend)
        model = self.build()
        with np.load(self.weights(files)) as state:
            model.load_state_dict(state)
        if dtype != np.float32:
            model.astype(dtype)
        model = moved(model, backend)
        if pass_ == INFERENCE:
            model.eval()
            return Prepared(lambda: model(x), self.results, align=self.aligned)
        model.train()
        learned = self.learned(model)
        optimiser = SGD(learned.items(), self.lr, momentum=MOMENTUM)

        def step() -> Any:
            model.zero_grad()
            losses = self.losses(model, x, target)
            optimiser.step()
            return losses

        return Prepared(step, lambda losses: _with_gradients(losses, learned))

    def _prepare_torch(
        self, implementation: str, pass_: str, x: Any, target: Any, files: Path
    ) -> Prepared:
        import torch

        note = self.torch_note()
        model = moved(self.torch_model(files), implementation)
        if pass_ == INFERENCE:
            model.eval()

            def infer() -> Any:
                with torch.inference_mode():
                    return model(x)

            return Prepared(infer, self.results, note, self.aligned)
        model.train()
        learned = {n: p for n, p in model.named_parameters() if p.requires_grad}
        optimiser = torch.optim.SGD(learned.values(), self.lr, momentum=MOMENTUM)

        def step() -> Any:
            optimiser.zero_grad()
            losses = self.torch_losses(model, x, target)
            sum(losses.values()).backward()  # type: ignore[union-attr]
            optimiser.step()
            return losses

        return Prepared(step, lambda losses: _with_gradients(losses, learned), note)


def _with_gradients(losses: Arrays, learned: Mapping[str, Any]) -> dict[str, Any]:
    """Return the losses and the parameters' gradients, in NumPy's arrays."""
    gradients = {name: parameter.grad for name, parameter in learned.items()}
    return {name: in_numpy(value) for name, value in {**losses, **gradients}.items()}
