"""Compile a CUDA C++ file for a kind of GPU that need not be here, and say what came out.

NVRTC is the compiler that CuPy uses. It needs no driver:
`pip install cuda-bindings nvidia-cuda-nvrtc`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .program import Program

# what has been compiled in this process: (file, real, architecture)
compiled: set[tuple[str, str, str]] = set()


class CompilationError(ValueError):
    """NVRTC refused a file; the text is its log."""


@dataclass(frozen=True)
class Usage:
    """What one kernel takes of a GPU, as the assembler reports it."""

    registers: int  # of a thread
    spilled: int  # bytes that a thread keeps in memory for want of registers
    shared: int  # bytes of static shared memory of a block


def compile_for(program: Program, real: str, architecture: str) -> dict[str, Usage]:
    """Compile a program down to machine code.

    Parameters
    ----------
    program : Program
        The file and its macros.
    real : {"float32", "float64"}
        What `real` stands for in it.
    architecture : str
        Such as "sm_90".

    Returns
    -------
    dict
        What each kernel takes.

    Raises
    ------
    CompilationError
        With the compiler's log.
    ImportError
        If cuda-bindings is not installed.
    """
    from cuda.bindings import nvrtc

    def checked(answer: Any) -> Any:
        if int(answer[0]):
            raise CompilationError(f"{program.file}: NVRTC says {answer[0].name}")
        return answer[1] if len(answer) > 1 else None

    handle = checked(
        nvrtc.nvrtcCreateProgram(program.text.encode(), program.file.encode(), 0, [], [])
    )
    try:
        options = (
            f"--gpu-architecture={architecture}",
            "--ptxas-options=-v",
            *program.options(real),
        )
        encoded = [o.encode() for o in options]
        (outcome,) = nvrtc.nvrtcCompileProgram(handle, len(encoded), encoded)
        log = b" " * checked(nvrtc.nvrtcGetProgramLogSize(handle))
        checked(nvrtc.nvrtcGetProgramLog(handle, log))
        text = log.decode(errors="replace").rstrip("\0 ")
        if int(outcome):
            raise CompilationError(f"{program.file} for {architecture}, {real}:\n{text}")
        compiled.add((program.file, real, architecture))
        return usage(text)
    finally:
        nvrtc.nvrtcDestroyProgram(handle)


def usage(log: str) -> dict[str, Usage]:
    """Read the assembler's report.

    Examples
    --------
    >>> usage('''ptxas info : Compiling entry function 'relu' for 'sm_90'
    ... ptxas info : Function properties for relu
    ...     0 bytes stack frame, 8 bytes spill stores, 4 bytes spill loads
    ... ptxas info : Used 12 registers, 1024 bytes smem, 376 bytes cmem[0]''')
    {'relu': Usage(registers=12, spilled=8, shared=1024)}
    """
    found = {}
    for part in log.split("Compiling entry function")[1:]:
        name = re.search(r"'(\w+)'", part)
        registers = re.search(r"Used (\d+) registers", part)
        spilled = re.search(r"(\d+) bytes spill stores", part)
        shared = re.search(r"(\d+) bytes smem", part)
        if name and registers:
            found[name[1]] = Usage(
                int(registers[1]),
                int(spilled[1]) if spilled else 0,
                int(shared[1]) if shared else 0,
            )
    return found
