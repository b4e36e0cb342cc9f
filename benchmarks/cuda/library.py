"""The two libraries that own arrays on the GPU, each seen in the same way.

What runs on CuPy's arrays (the backends `cupy` and `numba-cuda`) is timed by CuPy's events, what
runs on PyTorch's tensors by PyTorch's. All work goes to the default stream.
"""

from __future__ import annotations

import functools
from typing import Any, Protocol

from ..task import FLOAT32, TF32
from . import device


class Library(Protocol):
    """What the benchmarks need of a library.

    Attributes
    ----------
    products : tuple of str
        The precisions that its matrix product can be measured in.
    """

    products: tuple[str, ...]

    def put(self, array: Any) -> Any:
        """Copy a NumPy array to the GPU."""

    def move(self, model: Any) -> Any:
        """Move a network of this library's to the GPU."""

    def copy(self, target: Any, source: Any) -> Any:
        """Copy an array on the GPU into another."""

    def event(self) -> Any:
        """Return an event, to `record` and to `synchronize` with."""

    def seconds(self, start: Any, stop: Any) -> float:
        """Return the time between two events that have happened."""

    def synchronize(self) -> None:
        """Wait until the GPU has nothing left to do."""

    def free(self) -> None:
        """Give the memory back that no array uses, for the other side."""

    def set_precision(self, precision: str) -> None:
        """Let convolutions and matrix products take TF32, or hold them to float32."""

    def l2(self) -> int:
        """Return the bytes of the L2 cache."""

    def describe(self) -> dict[str, str]:
        """Return what is worth knowing of the device and of the library's CUDA."""


class CuPy:
    """CuPy, and minis' backends on its arrays."""

    products: tuple[str, ...] = (FLOAT32,)

    def __init__(self) -> None:
        import cupy

        self.cupy = cupy
        runtime = cupy.cuda.runtime
        self.properties = runtime.getDeviceProperties(runtime.getDevice())

    def put(self, array: Any) -> Any:
        """Copy a NumPy array to the GPU."""
        return self.cupy.asarray(array)

    def move(self, model: Any) -> Any:
        """Move a network of minis to the GPU."""
        return model.to("cuda")

    def copy(self, target: Any, source: Any) -> None:
        """Copy an array on the GPU into another."""
        self.cupy.copyto(target, source)

    def event(self) -> Any:
        """Return an event."""
        return self.cupy.cuda.Event()

    def seconds(self, start: Any, stop: Any) -> float:
        """Return the time between two events."""
        return 1e-3 * float(self.cupy.cuda.get_elapsed_time(start, stop))

    def synchronize(self) -> None:
        """Wait for the GPU."""
        self.cupy.cuda.runtime.deviceSynchronize()

    def free(self) -> None:
        """Empty the pool."""
        self.cupy.get_default_memory_pool().free_all_blocks()

    def set_precision(self, precision: str) -> None:
        """Set that of minis' kernels."""
        import minis

        minis.gpu_precision(precision)

    def l2(self) -> int:
        """Return the bytes of the L2 cache."""
        return int(self.properties["l2CacheSize"])

    def describe(self) -> dict[str, str]:
        """Describe the device, and the CUDA that CuPy was built for."""
        found = self.properties
        version = self.cupy.cuda.runtime.runtimeGetVersion()  # 12080 is 12.8
        return {
            **device.properties(
                found["name"].decode(),
                found["totalGlobalMem"],
                self.l2(),
                found["multiProcessorCount"],
                (found["major"], found["minor"]),
            ),
            "CUDA of CuPy": f"{version // 1000}.{version % 1000 // 10}",
        }


class Torch:
    """PyTorch, free to choose cuDNN's fastest algorithm."""

    products: tuple[str, ...] = (FLOAT32, TF32)
    device = "cuda"

    def __init__(self) -> None:
        import torch

        self.torch = torch
        torch.backends.cudnn.benchmark = True
        self.properties = torch.cuda.get_device_properties(torch.cuda.current_device())

    def put(self, array: Any) -> Any:
        """Copy a NumPy array to the GPU."""
        return self.torch.from_numpy(array).to(self.device, copy=True)

    def move(self, model: Any) -> Any:
        """Move a network to the GPU."""
        return model.to(self.device)

    def copy(self, target: Any, source: Any) -> None:
        """Copy a tensor into another."""
        target.copy_(source)

    def event(self) -> Any:
        """Return an event."""
        return self.torch.cuda.Event(enable_timing=True)

    def seconds(self, start: Any, stop: Any) -> float:
        """Return the time between two events."""
        return 1e-3 * float(start.elapsed_time(stop))

    def synchronize(self) -> None:
        """Wait for the GPU."""
        self.torch.cuda.synchronize()

    def free(self) -> None:
        """Empty the pool."""
        self.torch.cuda.empty_cache()

    def set_precision(self, precision: str) -> None:
        """Set that of cuDNN's convolutions and of cuBLAS's products."""
        name = {FLOAT32: "ieee", TF32: "tf32"}[precision]
        self.torch.backends.cudnn.conv.fp32_precision = name
        self.torch.backends.cuda.matmul.fp32_precision = name

    def l2(self) -> int:
        """Return the bytes of the L2 cache."""
        return int(self.properties.L2_cache_size)

    def describe(self) -> dict[str, str]:
        """Describe the device, and the CUDA that PyTorch was built for."""
        found = self.properties
        return {
            **device.properties(
                found.name,
                found.total_memory,
                self.l2(),
                found.multi_processor_count,
                (found.major, found.minor),
            ),
            "CUDA of PyTorch": str(self.torch.version.cuda),
            "cuDNN of PyTorch": str(self.torch.backends.cudnn.version()),
        }


LIBRARIES: dict[str, type[CuPy] | type[Torch]] = {
    "cupy": CuPy,
    "numba-cuda": CuPy,
    "torch-cuda": Torch,
}


@functools.cache
def library_of(implementation: str) -> Library | None:
    """Return the library whose arrays an implementation takes; None for one on the CPU.

    Examples
    --------
    >>> library_of("numba") is None
    True
    """
    return LIBRARIES[implementation]() if implementation in LIBRARIES else None
