"""What this machine can do at best: the rate of a large matrix product, and of a copy.

Both are measured by every library that is there, in the same run as the rest; the best counts.
PyTorch multiplies with MKL and with oneDNN: on two Zen 5 cores MKL reached 190 GFLOP/s, NumPy's
OpenBLAS 200, oneDNN, which uses AVX-512 there, 430.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from .task import TF32

SIDE = 2048  # of the matrices
COPIED = 1 << 26  # float32 numbers: 256 MiB, more than the caches hold
CALLS = 3


class Peaks(NamedTuple):
    """The two ceilings of the roofline.

    Attributes
    ----------
    gflops : float
        Of a float32 matrix product, in 10⁹ operations a second.
    gbs : float
        Of a copy, in 10⁹ bytes a second, read and written.
    tf32 : float or None
        Of a matrix product in TF32, where a GPU was measured.
    """

    gflops: float
    gbs: float
    tf32: float | None = None

    @property
    def ridge(self) -> float:
        """Operations per byte above which arithmetic is what holds an operation up."""
        return self.gflops / self.gbs

    def at(self, precision: str) -> Peaks | None:
        """Return the ceilings for products in that precision; None if it wasn't measured.

        Examples
        --------
        >>> Peaks(50.0, 4.0, 400.0).at("tf32")
        Peaks(gflops=400.0, gbs=4.0, tf32=400.0)
        """
        if precision != TF32:
            return self
        return self._replace(gflops=self.tf32) if self.tf32 else None

    def attainable(self, intensity: float) -> float:
        """Return the ceiling in 10⁹ operations a second at that many operations per byte.

        Examples
        --------
        >>> Peaks(400.0, 40.0).attainable(2.0)
        80.0
        """
        return min(self.gflops, intensity * self.gbs)


def measure(library: str) -> dict[str, float]:
    """Measure with NumPy, or with PyTorch: the best of a few calls of each."""
    products, copy = _torch() if library == "torch" else _numpy()
    return {
        "gflops": 2e-9 * SIDE**3 / min(_best(product) for product in products),
        "gbs": 2e-9 * 4 * COPIED / _best(copy),
    }


def best(measured: Mapping[str, list[dict[str, float]]]) -> Peaks:
    """Return the best of all libraries and turns.

    Examples
    --------
    >>> best({"numpy": [{"gflops": 2.0, "gbs": 1.0}], "torch": [{"gflops": 1.0, "gbs": 3.0}]})
    Peaks(gflops=2.0, gbs=3.0, tf32=None)
    """
    turns = [turn for turns in measured.values() for turn in turns]
    gflops, gbs = (max(turn[name] for turn in turns) for name in ("gflops", "gbs"))
    return Peaks(gflops, gbs, max((turn["tf32"] for turn in turns if "tf32" in turn), default=None))


Call = Callable[[], Any]


def _numpy() -> tuple[list[Call], Call]:
    a, b = np.random.default_rng(0).standard_normal((2, SIDE, SIDE), dtype=np.float32)
    out = np.empty_like(a)
    source, target = np.ones(COPIED, np.float32), np.zeros(COPIED, np.float32)
    return [lambda: np.matmul(a, b, out=out)], lambda: np.copyto(target, source)


def _torch() -> tuple[list[Call], Call]:
    import torch

    a, b = torch.randn(2, SIDE, SIDE)
    products: list[Call] = [lambda: a @ b]
    if torch.backends.mkldnn.is_available():
        from torch.utils.mkldnn import to_mkldnn

        layer = to_mkldnn(torch.nn.Linear(SIDE, SIDE, bias=False).requires_grad_(False).eval())
        blocked = a.to_mkldnn()
        products.append(lambda: layer(blocked))
    source, target = torch.ones(COPIED), torch.zeros(COPIED)
    return products, lambda: target.copy_(source)


def _best(call: Call) -> float:
    call()
    seconds = []
    for _ in range(CALLS):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
