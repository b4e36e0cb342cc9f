"""What can be timed: a task, which every implementation prepares in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from minis.learn.costs import NOTHING, Cost

FORWARD, BACKWARD = "forward", "backward"
SEED = 0
CPU, CUDA = "cpu", "cuda"
BACKENDS = {CPU: ("numpy", "numba"), CUDA: ("cupy", "numba-cuda")}  # of minis, by device
OUR_BACKENDS = (*BACKENDS[CPU], *BACKENDS[CUDA])
FLOAT32, TF32 = "float32", "tf32"  # how a convolution rounds what it multiplies

Arrays = Mapping[str, Any]


def _as_they_are(results: Arrays, reference: Arrays) -> tuple[Arrays, Arrays]:
    return results, reference


class Work(NamedTuple):
    """What an operation has to do, however it is done.

    Attributes
    ----------
    flops : float
        Floating-point operations of the plain algorithm; those of convolutions are the direct
        one's, so that Winograd may exceed the machine's peak. Comparisons count as one.
    bytes : float
        The least that must be moved: every input read once, every result written once. 0 where
        it is not stated.
    """

    flops: float
    bytes: float


class Prepared(NamedTuple):
    """An implementation that is ready to run.

    Attributes
    ----------
    run : callable
        Does the work once: this is what is timed.
    results : callable
        Names the arrays, of what `run` returned, that are compared with the reference.
    note : str
        What is to be said about this implementation in the table.
    align : callable
        Brings results and the reference's into one order, where that may differ.
    """

    run: Callable[[], Any]
    results: Callable[[Any], Mapping[str, Any]]
    note: str = ""
    align: Callable[[Arrays, Arrays], tuple[Arrays, Arrays]] = _as_they_are


class Task(Protocol):
    """One row (or one for each pass) of a suite."""

    @property
    def key(self) -> str:
        """Its name on the command line."""

    @property
    def label(self) -> str:
        """Its name in the table."""

    @property
    def quick(self) -> bool:
        """Whether `--quick` runs it."""

    @property
    def passes(self) -> tuple[str, ...]:
        """Names of its rows."""

    def limit(self, pass_: str, device: str = CPU) -> float:
        """Return the largest error that counts as exact in what is checked."""

    def precision(self, device: str) -> str:
        """Return how products are rounded while it is timed: TF32 only on a GPU."""

    def precision_checked(self, device: str) -> str:
        """Return how they are rounded while it is compared with the reference."""

    def by_norm(self, pass_: str) -> bool:
        """Return whether errors are those of norms: see `validation`."""

    def work(self, pass_: str, counted: Mapping[str, Cost]) -> Work:
        """Return what has to be done, given what the reference's run cost, by operation."""

    def prepare(self, implementation: str, pass_: str, dtype: Any, files: Path) -> Prepared:
        """Draw the input, the same in every process, and build what runs.

        Parameters
        ----------
        implementation : str
            A backend of minis, "torch", "torch-cuda", or another name that the task knows.
        pass_ : str
            One of `passes`.
        dtype : float32 or float64
        files : Path
            A directory that all processes of a run share.
        """


def upstream(shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw the gradient of a result: the same numbers in every process and precision."""
    drawn = np.random.default_rng(SEED + 1).standard_normal(shape, dtype=np.float32)
    return np.asarray(drawn, dtype=dtype)


def summed(costs: Iterable[Cost]) -> Work:
    """Return what operations have to do together.

    Examples
    --------
    >>> summed([Cost(2, 8), Cost(1, 4)])
    Work(flops=3.0, bytes=12.0)
    """
    total = sum(costs, NOTHING)
    return Work(float(total.flops), float(total.bytes))


def in_precision(arrays: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """Convert the floating arrays to `dtype`; the others stay."""
    return {k: a.astype(dtype) if a.dtype.kind == "f" else a for k, a in arrays.items()}
