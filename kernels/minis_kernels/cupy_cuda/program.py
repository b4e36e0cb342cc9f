"""A CUDA C++ file of `sources/`, compiled when first needed, and its kernels to call.

On the GPU CuPy compiles it, by NVRTC, and keeps the result on disk. With
`MINIS_CUDA_EMULATION=1` the same file is compiled for the CPU (see `emulation/`), and its kernels
take NumPy arrays.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .signatures import Parameter, signatures

SOURCES = Path(__file__).parent / "sources"

# every program there is: the tests compile and run all of them
PROGRAMS: list[Program] = []

# what really runs a kernel: (grid, block, arguments, bytes of shared memory)
Launch = Callable[[tuple[int, ...], tuple[int, ...], tuple[Any, ...], int], None]


class Program:
    """One file of CUDA C++ and the macros that it is compiled with.

    Parameters
    ----------
    file : str
        Its name in `sources/`.
    reals : sequence of str
        The dtypes that it can be compiled for, as its type `real`.
    **macros : int
        Further macros, such as the sizes of a tile.

    Examples
    --------
    >>> Program("activation.cu").options("float32")[:2]
    ('-DREAL=float', '-std=c++17')
    """

    def __init__(
        self, file: str, *, reals: Sequence[str] = ("float32", "float64"), **macros: int
    ) -> None:
        self.file, self.reals, self.macros = file, tuple(reals), macros
        self._kernels: dict[tuple[str, str, bool], Kernel] = {}
        PROGRAMS.append(self)

    def __repr__(self) -> str:
        return f"<{self.file} {self.macros or ''}>"

    @property
    def text(self) -> str:
        """The file's text."""
        return (SOURCES / self.file).read_text(encoding="utf-8")

    def options(self, real: str) -> tuple[str, ...]:
        """Return the compiler's options, for NVRTC and for the CPU's compiler alike."""
        return (
            f"-DREAL={'double' if real == 'float64' else 'float'}",
            "-std=c++17",
            f"-I{SOURCES}",
            # CuPy's cache goes by the options and the file, not by what the file includes
            f"-DSOURCES=0x{_digest_of_headers()}",
            *(f"-D{name}={value}" for name, value in self.macros.items()),
        )

    def kernel(self, name: str, real: Any = "float32") -> Kernel:
        """Return a kernel of this file, compiled if this is its first use.

        Parameters
        ----------
        name : str
            The kernel's.
        real : dtype
            What `real` stands for in the file.

        Raises
        ------
        ValueError
            If the file has no such kernel.
        """
        real, emulated = np.dtype(real).name, emulating()
        key = (name, real, emulated)
        if key not in self._kernels:
            known = signatures(self.text, np.dtype(real))
            if name not in known:
                raise ValueError(f"{self.file} has no kernel {name!r}; it has {', '.join(known)}")
            launch = _emulated(self, name, real) if emulated else _compiled(self, name, real)
            self._kernels[key] = Kernel(name, known[name], launch)
        return self._kernels[key]


class Kernel:
    """A compiled kernel.

    Its arguments are checked against the parameters that its text declares, and Python's numbers
    converted to them, since on the GPU a wrong type would be read as rubbish without a word.
    """

    def __init__(self, name: str, parameters: tuple[Parameter, ...], launch: Launch) -> None:
        self.name, self.parameters, self._launch = name, parameters, launch

    def __call__(
        self, grid: int | tuple[int, ...], block: int | tuple[int, ...], *args: Any, shared: int = 0
    ) -> None:
        """Run the kernel.

        Parameters
        ----------
        grid, block : int or tuple of up to three int
            Blocks of the grid, and threads of a block. A grid of none runs nothing.
        *args
            Contiguous arrays and numbers, as the kernel declares them.
        shared : int, default 0
            Bytes of dynamic shared memory.

        Raises
        ------
        TypeError
            If an argument is not what the kernel declares.
        """
        grid = grid if isinstance(grid, tuple) else (grid,)
        block = block if isinstance(block, tuple) else (block,)
        if len(args) != len(self.parameters):
            names = ", ".join(p.name for p in self.parameters)
            raise TypeError(f"kernel {self.name} takes ({names}), got {len(args)} arguments")
        converted = tuple(self._converted(p, a) for p, a in zip(self.parameters, args, strict=True))
        if min(grid) > 0:
            self._launch(grid, block, converted, shared)

    def _converted(self, parameter: Parameter, value: Any) -> Any:
        where = f"kernel {self.name}, argument {parameter.name}"
        if not parameter.is_array:
            return parameter.dtype.type(value)
        if value is None:
            return np.uintp(0)  # a null pointer
        if value.dtype != parameter.dtype:
            raise TypeError(f"{where}: expected an array of {parameter.dtype}, got {value.dtype}")
        if not value.flags.c_contiguous:
            raise TypeError(f"{where}: expected a contiguous array, got strides {value.strides}")
        return value


def emulating() -> bool:
    """Tell whether kernels are compiled for the CPU and take NumPy arrays."""
    return os.environ.get("MINIS_CUDA_EMULATION") == "1"


def _compiled(program: Program, name: str, real: str) -> Launch:
    import cupy

    module = cupy.RawModule(code=program.text, options=program.options(real), backend="nvrtc")
    function = module.get_function(name)

    def launch(
        grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], shared: int
    ) -> None:
        if shared > 48 * 1024:  # more than this must be asked for
            function.max_dynamic_shared_size_bytes = shared
        function(grid, block, args, shared_mem=shared)

    return launch


def _emulated(program: Program, name: str, real: str) -> Launch:
    from .emulation import emulator

    return emulator.launcher(program, name, real)


@functools.cache
def _digest_of_headers() -> str:
    headers = sorted(SOURCES.glob("*.cuh"))
    return hashlib.sha256(b"".join(h.read_bytes() for h in headers)).hexdigest()[:8]
