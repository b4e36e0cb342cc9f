"""What a launcher must know of the GPU to cut a convolution to its size."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from .program import emulating


class Device(NamedTuple):
    """A GPU."""

    architecture: int  # 75 is Turing, 80 Ampere, 90 Hopper
    processors: int
    shared: int  # bytes of shared memory of a processor
    shared_of_block: int  # and how much of them one block may have


# stands for a GPU where kernels run on the CPU: so few processors that small tests split their sums
EMULATED = Device(90, 4, 228 * 1024, 227 * 1024)


def device() -> Device:
    """Return the current GPU."""
    if emulating():
        return EMULATED
    import cupy

    return _described(cupy.cuda.Device().id)


@functools.cache
def _described(number: int) -> Device:
    import cupy

    of: dict[str, Any] = cupy.cuda.Device(number).attributes
    return Device(
        10 * of["ComputeCapabilityMajor"] + of["ComputeCapabilityMinor"],
        of["MultiProcessorCount"],
        of["MaxSharedMemoryPerMultiprocessor"],
        of["MaxSharedMemoryPerBlockOptin"],
    )
