"""What a GPU can do at best: the rate of a large copy, and of matrix products in both precisions.

Measured by both libraries, in the same run as the rest; the best counts. CuPy multiplies in float32
alone, as long as its own environment variable doesn't say otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..task import FLOAT32, TF32
from .library import Library
from .timer import timed

SIDE = 8192  # of the matrices
COPIED = 1 << 28  # float32 numbers: 1 GiB
CALLS = 3
NAMES = {FLOAT32: "gflops", TF32: "tf32"}  # in `benchmarks.peaks.Peaks`


def measure(library: Library) -> dict[str, float]:
    """Measure the copy, in 10⁹ bytes a second, and the products, in 10⁹ operations a second."""
    rng = np.random.default_rng(0)
    a, b = (library.put(rng.standard_normal((SIDE, SIDE), dtype=np.float32)) for _ in range(2))
    found = {}
    for precision in library.products:
        library.set_precision(precision)
        found[NAMES[precision]] = 2e-9 * SIDE**3 / _best(lambda: a @ b, library)
    source, target = (library.put(np.ones(COPIED, np.float32)) for _ in range(2))
    moved = 2 * source.nbytes
    found["gbs"] = 1e-9 * moved / _best(lambda: library.copy(target, source), library)
    return found


def _best(call: Callable[[], Any], library: Library) -> float:
    timed(call, 1, library)
    return min(timed(call, CALLS, library).gpu for _ in range(CALLS))
