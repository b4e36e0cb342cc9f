"""Compile every kernel of `numba_cuda` to PTX, without a GPU: a script, run by a test.

It runs in a process of its own, in which Numba's simulator is off, and prints lines of JSON: what
is missing, if it can't compile at all; then the names of all kernels; then one line for every
kernel, dtype and kind of GPU.
"""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from numba import cuda, float32
from numba.cuda import dispatcher

from minis_kernels import numba_cuda
from minis_kernels.numba_cuda.launch import KERNELS
from minis_kernels.numba_cuda.signatures import numba_type

COMPUTE_CAPABILITIES = ((7, 5), (8, 0), (9, 0))


def why_not() -> str | None:
    """Say what keeps Numba from compiling anything at all."""
    if getattr(cuda, "implementation", None) != "NVIDIA":
        return "numba-cuda, which has taken the place of Numba's own CUDA target, is not installed"
    try:
        cuda.compile_ptx(lambda x: None, (float32[::1],), cc=COMPUTE_CAPABILITIES[0])
    except Exception as error:  # a library that is not found is told in several ways
        return str(error).splitlines()[0]
    return None


def compiled() -> Iterator[dict[str, Any]]:
    """Compile, and tell of each."""
    missing = why_not()
    yield {"missing": missing}
    if missing:
        return
    for module in pkgutil.iter_modules(numba_cuda.__path__):
        importlib.import_module(f"{numba_cuda.__name__}.{module.name}")
    yield {"kernels": [str(kernel) for kernel in KERNELS]}
    for kernel in KERNELS:
        signatures = {
            real: tuple(numba_type(t, real) for t in kernel.takes.values())
            for real in ("float32", "float64")
        }
        if signatures["float32"] == signatures["float64"]:
            del signatures["float64"]
        for cc in COMPUTE_CAPABILITIES:
            # functions that kernels call are compiled for the GPU at hand, of which there is none
            dispatcher.get_current_device = lambda cc=cc: SimpleNamespace(compute_capability=cc)
            for real, signature in signatures.items():
                told = {"kernel": str(kernel), "real": real, "cc": cc}
                try:
                    told["ptx"], _ = cuda.compile_ptx(kernel.function, signature, cc=cc)
                except Exception as error:  # of whatever kind: the test shows its text
                    told["error"] = f"{type(error).__name__}: {error}"
                yield told


if __name__ == "__main__":
    for line in compiled():
        print(json.dumps(line))
