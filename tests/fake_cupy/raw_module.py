"""CUDA C++ compiled for the CPU, for arrays on the imagined GPU."""

from __future__ import annotations

from typing import Any

from .array import unwrapped


class RawModule:
    """As CuPy's: a file of CUDA C++. It must be one of the programs of `minis_kernels`."""

    def __init__(self, *, code: str, options: tuple[str, ...], backend: str) -> None:
        from minis_kernels.cupy_cuda.program import PROGRAMS

        self.real = "float64" if "-DREAL=double" in options else "float32"
        self.program = next(
            p for p in PROGRAMS if p.text == code and p.options(self.real) == options
        )

    def get_function(self, name: str) -> Function:
        """Return a kernel."""
        from minis_kernels.cupy_cuda.emulation import emulator

        return Function(emulator.launcher(self.program, name, self.real))


class Function:
    """A kernel. As on CuPy's, attributes such as its largest shared memory may be set."""

    def __init__(self, launch: Any) -> None:
        self._launch = launch

    def __call__(self, grid: Any, block: Any, args: Any, *, shared_mem: int = 0) -> None:
        self._launch(grid, block, tuple(unwrapped(a) for a in args), shared_mem)
