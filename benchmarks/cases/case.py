"""A case of the operation suite: one operation at one size, forward and backward.

Both sides do equal work. Forward: the call, without recording for a backward. Backward: minis'
function, and for PyTorch `torch.autograd.grad` for the same arrays, on a graph built beforehand.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minis.backend import array_namespace
from minis.learn.costs import Cost

from ..cuda.buffers import rotating
from ..places import in_numpy, sets
from ..task import (
    BACKWARD,
    CPU,
    FLOAT32,
    FORWARD,
    OUR_BACKENDS,
    SEED,
    TF32,
    Prepared,
    Work,
    in_precision,
    summed,
    upstream,
)

EXACT = 5e-5  # of the largest value of the reference
# TF32 keeps 10 bits after the point, so that a factor is off by up to 2⁻¹⁰ of itself where it is
# cut, by half of that where it is rounded; in a sum of many products such errors cancel in part
EXACT_TF32 = 2e-3

Arrays = dict[str, Any]
Shape = tuple[int, ...]


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

    @property
    def passes(self) -> tuple[str, ...]:
        """Forward, and backward where there is one."""
        return (FORWARD, BACKWARD) if self.gradients else (FORWARD,)

    def limit(self, pass_: str, device: str = CPU) -> float:
        """Return the largest error that counts as exact."""
        return EXACT_TF32 if self.precision_checked(device) == TF32 else EXACT

    def precision(self, device: str) -> str:
        """Calculate in float32."""
        return FLOAT32

    def precision_checked(self, device: str) -> str:
        """Check what is timed."""
        return self.precision(device)

    def by_norm(self, pass_: str) -> bool:
        """Measure errors by the largest values."""
        return False

    def work(self, pass_: str, counted: Mapping[str, Cost]) -> Work:
        """Return what was counted."""
        return summed(counted.values())

    def prepare(self, implementation: str, pass_: str, dtype: Any, files: Path) -> Prepared:
        """Draw the input and build what runs: see `Task.prepare`."""
        ours = implementation in OUR_BACKENDS
        if not ours and implementation not in ("torch", "torch-cuda"):
            raise ValueError(f"operations are not compared with {implementation}")
        arrays = in_precision(self.draw(np.random.default_rng(SEED)), dtype)
        inputs = sets(arrays, implementation)
        if ours:
            return rotating([self._prepare_minis(implementation, pass_, a) for a in inputs])
        return rotating([self._prepare_torch(pass_, t) for t in inputs])

    def _prepare_minis(self, backend: str, pass_: str, a: Arrays) -> Prepared:
        import minis
        from minis import ops

        minis.use(backend)
        if pass_ == FORWARD:
            return Prepared(
                lambda: self.minis(ops, a),
                lambda value: _named(self.results, self.shown(value)),
            )
        forward = self.minis(ops, a)
        y = self.shown(forward)[0]
        dy = upstream(y.shape, y.dtype)
        if dy.ndim:  # a number stays with the processor
            dy = array_namespace(y).asarray(dy)
        return Prepared(lambda: self.minis_backward(ops, dy, a, forward), self._named_gradients)

    def _prepare_torch(self, pass_: str, t: Arrays) -> Prepared:
        import torch

        note = self.torch_note()
        if pass_ == FORWARD:

            def forward() -> Any:
                with torch.no_grad():
                    return self.torch(torch, t)

            return Prepared(forward, lambda value: _named(self.results, value), note)
        inputs = [t[name].requires_grad_(True) for name in self.gradients]
        y = self.torch(torch, t)[0]
        dy = torch.from_numpy(upstream(tuple(y.shape), np.float32)).to(y)
        return Prepared(
            lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True),
            self._named_gradients,
            note,
        )

    def _named_gradients(self, value: Any) -> dict[str, Any]:
        values = value if isinstance(value, tuple) else (value,)
        return _named([f"d{name}" for name in self.gradients], values)


def _named(names: Sequence[str], values: Iterable[Any]) -> dict[str, Any]:
    """Give results their names, in NumPy's arrays."""
    return dict(zip(names, map(in_numpy, values), strict=True))
