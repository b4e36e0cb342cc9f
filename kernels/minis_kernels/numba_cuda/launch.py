"""Starting a kernel: a grid of blocks of threads, on the GPU or in Numba's simulator.

    @kernel
    def double(x: Real1, y: Real1) -> None:
        for i in range(cuda.grid(1), x.size, cuda.gridsize(1)):
            y[i] = 2 * x[i]

    double[blocks_for(x.size), THREADS](x, y)

Thread t takes the numbers t, t + T, t + 2T … of an array, T being the number of threads of the
whole grid. Neighbouring threads read neighbouring addresses, and a grid of any size serves an
array of any size: on the GPU one that fills it, in the simulator, where a CUDA thread is a slow
thread of Python, a tiny one.

The name `cuda` in a kernel must be that of `from numba import cuda`, and a device function that
uses it must stand in the file of the kernels that call it: the simulator replaces the name there
while a kernel runs.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, get_type_hints

from numba import config, cuda

from .signatures import check

SIMULATED = bool(config.ENABLE_CUDASIM)
THREADS = 4 if SIMULATED else 256  # of a block, where a kernel does not say otherwise
BLOCKS = 2 if SIMULATED else 132 * 8  # enough to fill the largest GPU sold

Function = TypeVar("Function", bound=Callable[..., Any])
Sizes = int | tuple[int, ...]  # of a grid or of a block, on one to three axes


def blocks_for(count: int, threads: int = THREADS) -> int:
    """Return a number of blocks for kernels whose threads go through `count` things in strides."""
    return min(BLOCKS, -(-count // threads))


def device(function: Function) -> Function:
    """Let kernels call a function."""
    compiled: Function = function if SIMULATED else cuda.jit(device=True)(function)
    return compiled


class Kernel:
    """A function that every thread of a grid runs, compiled when it is first started.

    `takes` has the annotations of its parameters (see `signatures`). Arguments are checked against
    them, so that what the tests compile is what runs.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        self.function, self.name = function, function.__name__
        self.takes = get_type_hints(function, include_extras=True)
        self.takes.pop("return", None)
        self._compiled = cuda.jit(function)

    def __repr__(self) -> str:
        return f"<kernel {self.function.__module__}.{self.name}>"

    def __getitem__(self, grid_and_block: tuple[Sizes, Sizes]) -> Callable[..., None]:
        """Return what starts the kernel: `kernel[blocks of the grid, threads of a block](...)`."""
        blocks, threads = grid_and_block

        def start(*args: Any) -> None:
            check(self.name, self.takes, args)
            if SIMULATED:
                with _simulation():
                    self._compiled[blocks, threads](*args)
            else:
                self._compiled[blocks, threads, _cupys_stream()](*map(_on_the_gpu, args))

        return start


# every kernel there is: the tests compile all of them
KERNELS: list[Kernel] = []


def kernel(function: Callable[..., None]) -> Kernel:
    """Make a kernel of a function; its parameters' annotations say what it takes."""
    made = Kernel(function)
    KERNELS.append(made)
    return made


@contextlib.contextmanager
def _simulation() -> Iterator[None]:
    """Have Python change between threads more often, and not warn of NaN and infinities.

    The simulator's main thread never sleeps while it waits for the threads of a block to reach a
    barrier: with Python's interval of 5 ms, a barrier takes that long for each of them.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            yield
    finally:
        sys.setswitchinterval(interval)


def _cupys_stream() -> Any:
    """Return the stream that CuPy works on now: kernels and CuPy then take turns as called."""
    return cuda.external_stream(sys.modules["cupy"].cuda.get_current_stream().ptr)


def _on_the_gpu(arg: Any) -> Any:
    """Return Numba's view of a CuPy array, made without waiting for the GPU, or `arg` itself."""
    if not hasattr(arg, "__cuda_array_interface__"):
        return arg
    return cuda.from_cuda_array_interface(arg.__cuda_array_interface__, owner=arg, sync=False)
