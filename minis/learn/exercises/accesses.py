"""Counts of what a CUDA kernel reads and writes, while Numba's simulator runs it.

The simulator hands a kernel wrapped arrays, and makes its shared ones; both are replaced here by
some that count. Shared arrays of floats begin as NaN: what is read before it was written shows.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np


@dataclass
class Accesses:
    """What all threads of the kernels run so far did.

    Attributes
    ----------
    threads : int
        How many there were.
    global_reads, global_writes : int
        Single numbers of arrays that were passed to a kernel.
    shared_reads, shared_writes : int
        Single numbers of `cuda.shared.array`.
    """

    threads: int = 0
    global_reads: int = 0
    global_writes: int = 0
    shared_reads: int = 0
    shared_writes: int = 0

    def a_thread(self, count: int) -> float:
        """Return a count divided by the threads."""
        return count / max(1, self.threads)

    def __str__(self) -> str:
        reads = f"{self.a_thread(self.global_reads):.2f} global"
        shared = f"{self.a_thread(self.shared_reads):.2f} shared"
        writes = f"{self.a_thread(self.global_writes):.2f} global"
        shared_writes = f"{self.a_thread(self.shared_writes):.2f} shared"
        return f"a thread reads {reads} and {shared}, writes {writes} and {shared_writes} numbers"


@contextlib.contextmanager
def counted() -> Iterator[Accesses]:
    """Count the accesses of all kernels that the simulator runs within the block.

    Yields
    ------
    Accesses
        Which goes on growing.

    Raises
    ------
    RuntimeError
        If kernels would not run in the simulator.
    """
    from numba import config

    if not config.ENABLE_CUDASIM:
        raise RuntimeError("accesses are counted in the simulator: set NUMBA_ENABLE_CUDASIM=1")
    from numba.cuda.simulator import kernel, kernelapi
    from numba.cuda.simulator.cudadrv.devicearray import FakeWithinKernelCUDAArray as Global

    done = Accesses()
    read, write, run = Global.__getitem__, Global.__setitem__, kernel.BlockThread.run

    def reading(array: Any, at: Any) -> Any:
        value = read(array, at)
        done.global_reads += np.ndim(value) == 0
        return value

    def writing(array: Any, at: Any, value: Any) -> None:
        done.global_writes += int(np.size(read(array, at)))
        write(array, at, value)

    def running(thread: Any) -> None:
        done.threads += 1
        run(thread)

    def sharing(shared: Any, shape: Any, dtype: Any, alignment: Any = None) -> Any:
        frame = sys._getframe(1)
        line = frame.f_code.co_filename, frame.f_lineno  # every thread makes the same array there
        if line not in shared._allocations:
            shared._allocations[line] = Shared(shape, kernelapi.numpy_support.as_dtype(dtype), done)
        return shared._allocations[line]

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)  # the simulator waits at barriers without sleeping
    try:
        with (
            patch.object(Global, "__getitem__", reading),
            patch.object(Global, "__setitem__", writing),
            patch.object(kernel.BlockThread, "run", running),
            patch.object(kernelapi.FakeCUDAShared, "array", sharing),
        ):
            yield done
    finally:
        sys.setswitchinterval(interval)


class Shared:
    """A shared array that counts what is read from it and written to it."""

    def __init__(self, shape: Any, dtype: Any, done: Accesses) -> None:
        self._array = np.zeros(shape, dtype)
        if self._array.dtype.kind == "f":
            self._array[...] = np.nan
        self._done = done
        self.shape, self.size, self.dtype = self._array.shape, self._array.size, dtype

    def __getitem__(self, at: Any) -> Any:
        self._done.shared_reads += 1
        return self._array[at]

    def __setitem__(self, at: Any, value: Any) -> None:
        self._done.shared_writes += 1
        self._array[at] = value
