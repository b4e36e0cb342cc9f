"""A stand-in for CuPy without a GPU: arrays that refuse what CuPy's arrays refuse.

The operations' NumPy text must reach an array only through the array's own namespace. This package
has the part of CuPy's interface that they may use, on arrays in ordinary memory which, as CuPy's
do, can't be mixed with NumPy arrays, indexed by them, or converted to them without `get()`.

Each copy between the imagined GPU and the CPU, and each number that Python has to wait for, is
written down: see `transfers.py`. CUDA C++ is compiled for the CPU, by the emulator of
`minis_kernels`, so that its launchers run as on a GPU.
"""

from __future__ import annotations

import importlib.machinery
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from minis import backend

from .array import array, asarray, lifted, ndarray, waiting
from .memory import OutOfMemoryError, memory
from .raw_module import RawModule
from .transfers import Transfers, transfers

__all__ = ["installed", "memory", "module", "ndarray", "transfers"]

FUNCTIONS = [
    "abs",
    "arange",
    "argmax",
    "argsort",
    "ascontiguousarray",
    "broadcast_to",
    "clip",
    "concatenate",
    "copyto",
    "empty",
    "empty_like",
    "exp",
    "expm1",
    "floor",
    "full",
    "isfinite",
    "isnan",
    "log",
    "log1p",
    "log2",
    "matmul",
    "maximum",
    "minimum",
    "moveaxis",
    "multiply",
    "ones",
    "ones_like",
    "put_along_axis",
    "sign",
    "sort",
    "sqrt",
    "square",
    "stack",
    "take",
    "take_along_axis",
    "tile",
    "where",
    "zeros",
    "zeros_like",
]
# what is in an array decides the size of the result: CuPy has to wait for that number
WAITING = ["bincount", "flatnonzero", "nonzero", "unique"]
DTYPES = ["float32", "float64", "int32", "int64", "uint8", "bool_"]

ATTRIBUTES = {  # of an NVIDIA H200
    "ComputeCapabilityMajor": 9,
    "ComputeCapabilityMinor": 0,
    "MultiProcessorCount": 132,
    "MaxSharedMemoryPerBlockOptin": 227 * 1024,
    "MaxSharedMemoryPerMultiprocessor": 228 * 1024,
    "L2CacheSize": 50 << 20,
}


def module() -> types.ModuleType:
    """Return the stand-in for the module `cupy`."""
    fake = types.ModuleType("cupy")
    fake.__spec__ = importlib.machinery.ModuleSpec("cupy", None)
    contents = {
        **{name: lifted(getattr(np, name)) for name in FUNCTIONS},
        **{name: waiting(getattr(np, name)) for name in WAITING},
        **{name: getattr(np, name) for name in DTYPES},
        "asarray": asarray,
        "array": array,
        "ndarray": ndarray,
        "RawModule": RawModule,
        "cuda": _cuda(),
        "lib": types.SimpleNamespace(
            stride_tricks=types.SimpleNamespace(as_strided=lifted(np.lib.stride_tricks.as_strided))
        ),
    }
    for name, content in contents.items():
        setattr(fake, name, content)
    return fake


def _cuda() -> types.SimpleNamespace:
    properties = {"name": b"an imagined GPU"}
    stream = types.SimpleNamespace(synchronize=lambda: None)  # all is done at once
    return types.SimpleNamespace(
        is_available=lambda: True,
        Device=lambda number=0: types.SimpleNamespace(
            id=number, mem_info=(memory.free, memory.total), attributes=ATTRIBUTES
        ),
        get_current_stream=lambda: stream,
        runtime=types.SimpleNamespace(getDeviceProperties=lambda device: properties),
        nvrtc=types.SimpleNamespace(getVersion=lambda: (13, 0)),
        memory=types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
    )


@contextmanager
def installed() -> Iterator[Transfers]:
    """Have the stand-in for CuPy, and so a GPU for `model.to("cuda")`, in a `with` block."""
    before = sys.modules.get("cupy")
    sys.modules["cupy"] = module()
    backend._problem.cache_clear()
    transfers.clear()
    try:
        yield transfers
    finally:
        if before is None:
            del sys.modules["cupy"]
        else:
            sys.modules["cupy"] = before
        backend._problem.cache_clear()
