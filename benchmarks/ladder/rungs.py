"""The ladders' rungs, and how each is run.

A rung is a function of this folder, the NumPy text, the Numba backend with its own choice of
kernel, or PyTorch. All of a ladder's rungs return the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minis.learn.costs import Cost

from ..cases.case import EXACT
from ..networks.network import load
from ..task import CPU, FLOAT32, FORWARD, OUR_BACKENDS, SEED, Prepared, Work, in_precision, summed


class Rung(NamedTuple):
    """One version.

    Attributes
    ----------
    name : str
        Of the process that runs it: a backend of minis, "torch", or a name of its own.
    label : str
    source : str
        "module:function" of the version; empty for a backend and for PyTorch.
    slow : bool
        Whether only the small size is run.
    """

    name: str
    label: str
    source: str = ""
    slow: bool = False


class Ladder(NamedTuple):
    """One operation: its versions, and how minis and PyTorch call it."""

    rungs: tuple[Rung, ...]
    results: tuple[str, ...]
    minis: Callable[..., Any]
    torch: Callable[..., Any]


CONVOLUTION = Ladder(
    (
        Rung("loops", "Python loops", "benchmarks.ladder.convolution:loops", slow=True),
        Rung("taps", "shift and add", "benchmarks.ladder.convolution:taps"),
        Rung("windows", "window view, tensordot", "benchmarks.ladder.convolution:windows"),
        Rung("im2col", "im2col, matrix product", "benchmarks.ladder.convolution:im2col"),
        Rung("numpy", "minis.ops, the NumPy text"),
        Rung("direct", "Numba, direct", "benchmarks.ladder.kernels:direct"),
        Rung("winograd", "Numba, Winograd", "benchmarks.ladder.kernels:winograd"),
        Rung("numba", "minis, its choice of kernel"),
        Rung("torch", "PyTorch"),
    ),
    ("y",),
    lambda ops, x, w: ops.conv(x, w, padding=1),
    lambda torch, x, w: torch.nn.functional.conv2d(x, w, padding=1),
)

MAX_POOLING = Ladder(
    (
        Rung("loops", "Python loops", "benchmarks.ladder.max_pooling:loops", slow=True),
        Rung("taps", "loop over taps", "benchmarks.ladder.max_pooling:taps"),
        Rung("windows", "windows, argmax", "benchmarks.ladder.max_pooling:windows"),
        Rung("numpy", "minis.ops, the NumPy text"),
        Rung("numba", "minis, Numba kernel"),
        Rung("torch", "PyTorch"),
    ),
    ("y", "indices"),
    lambda ops, x: ops.max_pool(x, 2),
    lambda torch, x: torch.nn.functional.max_pool2d(x, 2, return_indices=True),
)


@dataclass(frozen=True)
class LadderCase:
    """A ladder at one size.

    Attributes
    ----------
    key, label : str
    ladder : Ladder
    x, w : tuple of int
        The input's shape, and the filters'.
    quick : bool
        Whether `--quick` runs it.
    small : bool
        Whether the slow rungs run too.
    """

    key: str
    label: str
    ladder: Ladder
    x: tuple[int, ...]
    w: tuple[int, ...] = ()
    quick: bool = False
    small: bool = False
    passes: tuple[str, ...] = (FORWARD,)

    def rungs(self) -> list[Rung]:
        """Return the rungs that are run at this size."""
        return [rung for rung in self.ladder.rungs if self.small or not rung.slow]

    def limit(self, pass_: str, device: str = CPU) -> float:
        """Return the largest error that counts as exact."""
        return EXACT

    def precision(self, device: str) -> str:
        """Calculate in float32."""
        return FLOAT32

    precision_checked = precision

    def by_norm(self, pass_: str) -> bool:
        """Measure errors by the largest values."""
        return False

    def work(self, pass_: str, counted: Mapping[str, Cost]) -> Work:
        """Return what was counted."""
        return summed(counted.values())

    def prepare(self, implementation: str, pass_: str, dtype: Any, files: Path) -> Prepared:
        """Draw the input and find the version: see `Task.prepare`."""
        rng = np.random.default_rng(SEED)
        shapes = {"x": self.x, "w": self.w} if self.w else {"x": self.x}
        drawn = {k: rng.standard_normal(s, dtype=np.float32) for k, s in shapes.items()}
        arrays = tuple(in_precision(drawn, dtype).values())
        if implementation in OUR_BACKENDS:
            import minis
            from minis import ops

            minis.use(implementation)
            return Prepared(lambda: self.ladder.minis(ops, *arrays), self._named)
        if implementation == "torch":
            import torch

            tensors = tuple(torch.from_numpy(a) for a in arrays)
            return Prepared(lambda: self.ladder.torch(torch, *tensors), self._named)
        rung = next(r for r in self.ladder.rungs if r.name == implementation)
        function = load(rung.source)
        return Prepared(lambda: function(*arrays), self._named)

    def _named(self, value: Any) -> dict[str, Any]:
        values = value if isinstance(value, tuple) else (value,)
        return dict(zip(self.ladder.results, (np.asarray(v) for v in values), strict=True))
