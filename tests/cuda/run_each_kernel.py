"""Run each kernel of a GPU backend on a few small calls, for NVIDIA's compute-sanitizer to watch.

    compute-sanitizer --tool memcheck python -m tests.cuda.run_each_kernel cupy
    compute-sanitizer --tool racecheck python -m tests.cuda.run_each_kernel numba-cuda conv nms

Calls are drawn by the operations' specs. On a GPU each array gets memory of its own, without
CuPy's pool, in which a kernel could read beyond an array's end unseen.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings

import minis_kernels
from minis import ops
from minis.backend import IMITATED_BY, imitated
from minis.learn.specs import SPECS, Call

from .serving import declined, served_calls

DRAWN = 40  # calls, until a kernel has served enough of them
SHAPE = (3, 50)  # of the parameters that optimisers change


def run_kernels(backend: str, names: Iterable[str] = (), enough: int = 3) -> list[str]:
    """Run kernels on drawn calls.

    Parameters
    ----------
    backend : {"numba-cuda", "cupy"}
    names : iterable of str
        Operations; by default every one that the backend has a kernel for.
    enough : int
        Calls of each kernel, after which the next one has its turn.

    Returns
    -------
    list of str
        Kernels that served no call.
    """
    silent = []
    for name in names or minis_kernels.KERNELS[backend]:
        before = served_calls[backend, name]
        with np.errstate(all="ignore"):
            for call in calls_of(name):
                declined(backend, name, *call.args, **call.options)
                if served_calls[backend, name] - before >= enough:
                    break
        print(f"{name}: {served_calls[backend, name] - before} calls", flush=True)
        if served_calls[backend, name] == before:
            silent.append(name)
    return silent


def calls_of(name: str) -> Iterator[Call]:
    """Yield calls of an operation, of its backward, or of an optimiser's step."""
    if name in STEPS:
        yield from STEPS[name]
        return
    forward = name.removesuffix("_backward")
    if forward not in SPECS:
        raise KeyError(f"nothing says how to call {name}")
    spec = SPECS[forward]
    for call in drawn(spec.calls):
        if name == forward:
            yield Call(tuple(map(copy.deepcopy, call.args)), call.options)
            continue
        outputs = call.on(getattr(ops, forward).reference)
        y = np.asarray(outputs[0] if isinstance(outputs, tuple) else outputs)
        dy = np.random.default_rng(0).standard_normal(y.shape).astype(y.dtype)
        assert spec.backward is not None
        yield spec.backward(call, outputs, dy)


def drawn(strategy: Any) -> list[Call]:
    """Draw calls, the same ones each time."""
    calls: list[Call] = []

    @settings(
        max_examples=DRAWN,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(call: Call) -> None:
        calls.append(call)

    collect()
    return calls


def _steps() -> dict[str, list[Call]]:
    """Arguments of the optimisers, of which no spec draws any."""
    rng = np.random.default_rng(0)
    steps: dict[str, list[Call]] = {"sgd_step": [], "rmsprop_step": [], "adam_step": []}
    for dtype in (np.float32, np.float64):
        data, grad, a, b, c = rng.random((5, *SHAPE)).astype(dtype)
        momentum, decay = {"lr": 0.1, "momentum": 0.9}, {"weight_decay": 0.1}
        steps["sgd_step"] += [
            Call((data, grad), {"lr": 0.1}),
            Call((data, grad, a), {**momentum, **decay, "nesterov": True}),
        ]
        steps["rmsprop_step"] += [
            Call((data, grad, a), {"lr": 0.1}),
            Call((data, grad, a, b, c), {**momentum, **decay}),
        ]
        steps["adam_step"] += [
            Call((data, grad, a, b), {"step": 3, "lr": 0.1, **decay, "decoupled": decoupled})
            for decoupled in (False, True)
        ]
    return steps


STEPS = _steps()


def main() -> None:
    """Run what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend", choices=tuple(IMITATED_BY))
    parser.add_argument("operations", nargs="*")
    asked = parser.parse_args()
    if not imitated(asked.backend):
        import cupy

        cupy.cuda.set_allocator(None)
    silent = run_kernels(asked.backend, asked.operations)
    if silent:
        sys.exit(f"served no call: {', '.join(silent)}")


if __name__ == "__main__":
    main()
