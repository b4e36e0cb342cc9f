"""One side of a comparison, in a process of its own: `python -m benchmarks.side NAME THREADS`.

After a threaded matrix product, OpenBLAS's idle threads go on spinning for a while and slow down
whatever else the process does. Sides that shared a process would slow each other down.

It reads lines "CASE forward|backward|digest" and answers each with a line of JSON: seconds, or a
digest of the results for comparison between the sides.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import CASES, Case

Run = Callable[[], tuple[float, tuple[Any, ...]]]


def arrays(case: Case) -> tuple[Any, Any]:
    """Draw the input and the filters, the same in every process."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(case.x, dtype=np.float32)
    return x, rng.standard_normal(case.w, dtype=np.float32)


def upstream(shape: tuple[int, ...]) -> Any:
    """Draw the gradient of the output, the same in every process."""
    return np.random.default_rng(1).standard_normal(shape, dtype=np.float32)


def torch_side(case: Case, threads: int) -> dict[str, Run]:
    """PyTorch on the CPU."""
    import torch

    torch.set_num_threads(threads)
    x, w = (torch.from_numpy(a).requires_grad_(True) for a in arrays(case))
    function = getattr(torch.nn.functional, f"{case.operation}{x.ndim - 2}d")

    def forward() -> tuple[float, tuple[Any, ...]]:
        with torch.no_grad():
            started = time.perf_counter()
            y = function(x, w, **case.options)
            return time.perf_counter() - started, (y.numpy(),)

    def backward() -> tuple[float, tuple[Any, ...]]:
        y = function(x, w, **case.options)
        dy = torch.from_numpy(upstream(tuple(y.shape)))
        started = time.perf_counter()
        gradients = torch.autograd.grad(y, (x, w), dy)
        return time.perf_counter() - started, tuple(g.numpy() for g in gradients)

    return {"forward": forward, "backward": backward}


def minis_side(backend: str, case: Case) -> dict[str, Run]:
    """One of minis' backends."""
    import minis
    from minis import ops

    minis.use(backend)
    x, w = arrays(case)
    function = getattr(ops, case.operation)
    gradient = getattr(ops, f"{case.operation}_backward")
    dy = upstream(function(x, w, **case.options).shape)

    def forward() -> tuple[float, tuple[Any, ...]]:
        started = time.perf_counter()
        y = function(x, w, **case.options)
        return time.perf_counter() - started, (y,)

    def backward() -> tuple[float, tuple[Any, ...]]:
        started = time.perf_counter()
        gradients = gradient(dy, x, w, **case.options)
        return time.perf_counter() - started, gradients[:2]

    return {"forward": forward, "backward": backward}


def digest(results: tuple[Any, ...]) -> list[list[float]]:
    """Project each result on a few random directions, each of norm about its own."""
    projections = []
    for result in results:
        flat = np.asarray(result, np.float64).ravel()
        rng = np.random.default_rng(2)
        signs = (rng.choice([-1.0, 1.0], flat.size) for _ in range(3))
        projections.append([float(flat @ s / np.linalg.norm(flat)) for s in signs])
    return projections


def main() -> None:
    """Answer requests until standard input ends."""
    name, threads = sys.argv[1], int(sys.argv[2])
    sides: dict[int, dict[str, Run]] = {}
    for line in sys.stdin:
        index, request = line.split()
        if int(index) not in sides:
            case = CASES[int(index)]
            torch = name == "torch"
            sides[int(index)] = torch_side(case, threads) if torch else minis_side(name, case)
        runs = sides[int(index)]
        if request == "digest":
            answer: Any = [digest(run()[1]) for run in runs.values()]
        else:
            answer = runs[request]()[0]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
