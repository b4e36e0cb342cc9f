"""A case of the operation suite: one operation at one size, forward and backward.

Both sides do equal work. Forward: the call, without recording for a backward. Backward: minis'
function, and for PyTorch `torch.autograd.grad` for the same arrays, on a graph built beforehand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..task import BACKWARD, FORWARD, OUR_BACKENDS, SEED, Prepared, Work, in_precision, upstream

EXACT = 5e-5  # of the largest value of the reference

Arrays = dict[str, Any]


@dataclass(frozen=True)
class Case(ABC):
    """One operation at one size.

    Attributes
    ----------
    key, label : str
        Its name on the command line, and in the table.
    quick : bool
        Whether `--quick` runs it.
    gradients : tuple of str
        The inputs that backward returns gradients of, in this order; none for an operation
        without a backward.
    """

    key: str
    label: str
    quick: bool = False
    gradients: ClassVar[tuple[str, ...]] = ("x",)
    results: ClassVar[tuple[str, ...]] = ("y",)  # names of what forward's `shown` returns

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Arrays:
        """Draw the inputs, floating ones in float32."""

    @abstractmethod
    def minis(self, ops: Any, a: Arrays) -> tuple[Any, ...]:
        """Call minis' operation; return all its results."""

    def minis_backward(self, ops: Any, dy: Any, a: Arrays, forward: tuple[Any, ...]) -> Any:
        """Call minis' backward, with what forward returned; return one gradient or a tuple."""
        raise NotImplementedError

    def shown(self, forward: tuple[Any, ...]) -> tuple[Any, ...]:
        """Of minis' results, return those that PyTorch returns too, y first."""
        return forward

    @abstractmethod
    def torch(self, torch: Any, t: Arrays) -> tuple[Any, ...]:
        """Call PyTorch's operation; return its results, y first."""

    def torch_note(self) -> str:
        """Say what stands in for an operation that PyTorch doesn't have."""
        return ""

    @abstractmethod
    def forward_work(self) -> Work:
        """Return what forward has to do."""

    def backward_work(self) -> Work:
        """Return what backward has to do."""
        raise NotImplementedError

    @property
    def passes(self) -> tuple[str, ...]:
        """Forward, and backward where there is one."""
        return (FORWARD, BACKWARD) if self.gradients else (FORWARD,)

    def limit(self, pass_: str) -> float:
        """Return the largest error that counts as exact in float32."""
        return EXACT

    def by_norm(self, pass_: str) -> bool:
        """Measure errors by the largest values."""
        return False

    def work(self, pass_: str) -> Work | None:
        """Return what has to be done."""
        return self.forward_work() if pass_ == FORWARD else self.backward_work()

    def prepare(self, implementation: str, pass_: str, dtype: Any, files: Path) -> Prepared:
        """Draw the input and build what runs: see `Task.prepare`."""
        arrays = in_precision(self.draw(np.random.default_rng(SEED)), dtype)
        if implementation in OUR_BACKENDS:
            return self._prepare_minis(implementation, pass_, arrays)
        if implementation == "torch":
            return self._prepare_torch(pass_, arrays)
        raise ValueError(f"operations are not compared with {implementation}")

    def _prepare_minis(self, backend: str, pass_: str, a: Arrays) -> Prepared:
        import minis
        from minis import ops

        minis.use(backend)
        if pass_ == FORWARD:
            return Prepared(
                lambda: self.minis(ops, a),
                lambda value: dict(zip(self.results, self.shown(value), strict=True)),
            )
        forward = self.minis(ops, a)
        y = self.shown(forward)[0]
        dy = upstream(y.shape, y.dtype)
        return Prepared(lambda: self.minis_backward(ops, dy, a, forward), self._named_gradients)

    def _prepare_torch(self, pass_: str, a: Arrays) -> Prepared:
        import torch

        t = {name: torch.from_numpy(value) for name, value in a.items()}
        note = self.torch_note()
        if pass_ == FORWARD:

            def forward() -> Any:
                with torch.no_grad():
                    return self.torch(torch, t)

            return Prepared(
                forward,
                lambda value: dict(zip(self.results, (r.numpy() for r in value), strict=True)),
                note,
            )
        inputs = [t[name].requires_grad_(True) for name in self.gradients]
        y = self.torch(torch, t)[0]
        dy = torch.from_numpy(upstream(tuple(y.shape), a[self.gradients[0]].dtype))
        return Prepared(
            lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True),
            lambda value: self._named_gradients(tuple(g.numpy() for g in value)),
            note,
        )

    def _named_gradients(self, value: Any) -> dict[str, Any]:
        values = value if isinstance(value, tuple) else (value,)
        return dict(zip((f"d{name}" for name in self.gradients), values, strict=True))
