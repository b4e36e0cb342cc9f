"""Compile a CUDA C++ file for the CPU, and run its kernels on NumPy arrays.

Each array is handed to a kernel as a copy between two bands of NaN: a number read beyond the
array's ends spoils the result, and one written there is an error that names the argument.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..signatures import signatures

if TYPE_CHECKING:
    from ..program import Launch, Program

HEADER = Path(__file__).parent / "cuda_on_cpu.h"
BAND = 512  # bytes before and after an array
FLAGS = ("-std=c++20", "-O1", "-fPIC", "-shared", "-w", "-x", "c++")

# how often each kernel has run in this process: (file, kernel) -> launches
launches: Counter[tuple[str, str]] = Counter()


class EmulationError(RuntimeError):
    """A kernel did what it must not do, or its file could not be compiled."""


def launcher(program: Program, name: str, real: str) -> Launch:
    """Return a function that runs kernel `name` of `program` on NumPy arrays.

    Parameters
    ----------
    program : Program
        The file and its macros.
    name : str
        The kernel's.
    real : str
        The dtype that the file's `real` stands for.

    Raises
    ------
    EmulationError
        If there is no C++ compiler, or it refuses the file.
    """
    start = getattr(_library(program, real), f"emulate_{name}")
    start.restype = ctypes.c_char_p
    names = [p.name for p in signatures(program.text, np.dtype(real))[name]]

    def launch(
        grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], shared: int
    ) -> None:
        launches[program.file, name] += 1
        guarded = [_Guarded(a) if isinstance(a, np.ndarray) else None for a in args]
        cells = [
            ctypes.c_void_p(g.address) if g else np.array(a).ctypes.data_as(ctypes.c_void_p)
            for g, a in zip(guarded, args, strict=True)
        ]
        given = (ctypes.c_void_p * len(args))(
            *(ctypes.addressof(c) if g else c.value for g, c in zip(guarded, cells, strict=True))
        )
        sizes = [(ctypes.c_uint * 3)(*size, *(1,) * (3 - len(size))) for size in (grid, block)]
        problem = start(*sizes, ctypes.c_size_t(shared), given)
        if problem:
            raise EmulationError(f"{program.file}, kernel {name}: {problem.decode()}")
        for g, parameter in zip(guarded, names, strict=True):
            if g and not g.taken_back():
                raise EmulationError(
                    f"{program.file}, kernel {name}: wrote outside of its argument {parameter}"
                )

    return launch


class _Guarded:
    """A copy of an array with a band of NaN before and after it."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.memory = np.full(array.nbytes + 2 * BAND + 64, 0xFF, np.uint8)
        begin = BAND + -(self.memory.ctypes.data + BAND) % 64  # aligned as CUDA aligns
        self.inside = slice(begin, begin + array.nbytes)
        self.memory[self.inside] = array.reshape(-1).view(np.uint8)
        self.address = self.memory.ctypes.data + begin

    def taken_back(self) -> bool:
        """Copy what the kernel wrote to the array, unless it wrote to the bands."""
        bands = (self.memory[: self.inside.start], self.memory[self.inside.stop :])
        if any((band != 0xFF).any() for band in bands):
            return False
        changed = self.memory[self.inside].view(self.array.dtype).reshape(self.array.shape)
        if self.array.flags.writeable:
            self.array[...] = changed
            return True
        return bool((self.memory[self.inside] == self.array.reshape(-1).view(np.uint8)).all())


@functools.cache
def _library(program: Program, real: str) -> ctypes.CDLL:
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise EmulationError(
            "no C++ compiler was found to run CUDA C++ on the CPU: install g++ (Debian and "
            "Ubuntu: apt install g++)"
        )
    text = f'#include "{HEADER}"\n#line 1 "{program.file}"\n{program.text}\n'
    for name in signatures(program.text, np.dtype(real)):
        text += (
            f'extern "C" const char* emulate_{name}(const unsigned* grid, const unsigned* block, '
            f"size_t shared, void** given) {{ "
            f"return emulation::start({name}, grid, block, shared, given); }}\n"
        )
    options = [o for o in program.options(real) if not o.startswith("-std")]
    key = "\n".join((compiler, *FLAGS, *options, text, HEADER.read_text(encoding="utf-8")))
    digest = hashlib.sha256(key.encode()).hexdigest()[:24]
    library = cache_directory() / f"{Path(program.file).stem}-{real}-{digest}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
            made = Path(scratch) / library.name
            done = subprocess.run(
                [compiler, *FLAGS, *options, "-", "-o", str(made)],
                input=text,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                raise EmulationError(f"{program.file} does not compile:\n{done.stderr}")
            made.replace(library)
    return ctypes.CDLL(str(library))


@functools.cache
def cache_directory() -> Path:
    """Return the folder that keeps compiled files, or a temporary one where it can't be written."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(base).expanduser() / "minis" / "cuda_on_cpu"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="minis-cuda-on-cpu-"))
