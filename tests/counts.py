"""What a run of the tests did, counted; also where several processes share the tests."""

import sys
from collections import Counter
from typing import Any

import numpy as np


class Counts:
    """Tests on each backend, CUDA C++ files compiled by NVRTC, kernels executed on the CPU.

    Attributes
    ----------
    tests : Counter
        By the backend's name.
    launches : Counter
        Of the emulated kernels, by file and name.
    compiled : set of (file, architecture)
    """

    def __init__(self) -> None:
        self.tests: Counter[str] = Counter()
        self.launches: Counter[tuple[str, str]] = Counter()
        self.compiled: set[tuple[str, str]] = set()

    def take_from_this_process(self) -> None:
        """Add what the compilers and the emulator of this process noted."""
        emulator = sys.modules.get("minis_kernels.cupy_cuda.emulation.emulator")
        if emulator is not None:
            self.launches.update(emulator.launches)
        nvrtc = sys.modules.get("minis_kernels.cupy_cuda.nvrtc")
        if nvrtc is not None:
            self.compiled |= {(file, kind) for file, _, kind in nvrtc.compiled}

    def as_plain(self) -> dict[str, Any]:
        """Return it in a form that goes from process to process."""
        launches = [[file, name, count] for (file, name), count in self.launches.items()]
        compiled = [list(pair) for pair in sorted(self.compiled)]
        return {"tests": dict(self.tests), "launches": launches, "compiled": compiled}

    def add(self, plain: dict[str, Any]) -> None:
        """Add what another process counted."""
        self.tests.update(plain["tests"])
        for file, name, count in plain["launches"]:
            self.launches[file, name] += count
        self.compiled |= {(file, kind) for file, kind in plain["compiled"]}

    def never_executed(self) -> list[str]:
        """Return the CUDA C++ kernels that were not executed."""
        from minis_kernels.cupy_cuda.program import SOURCES
        from minis_kernels.cupy_cuda.signatures import signatures

        kernels = [
            (file.name, name)
            for file in sorted(SOURCES.glob("*.cu"))
            for name in signatures(file.read_text(encoding="utf-8"), np.dtype("float32"))
        ]
        return [f"{name} of {file}" for file, name in kernels if not self.launches[file, name]]

    def of_cuda_sources(self) -> list[str]:
        """Say how many files were compiled, and how many kernels executed; "/" marks a test's."""
        lines = []
        files = {file for file, _ in self.compiled if "/" not in file}
        if files:
            kinds = ", ".join(sorted({kind for _, kind in self.compiled}))
            lines.append(f"CUDA C++: {len(files)} files compiled by NVRTC for {kinds}")
        kernels = [key for key in self.launches if "/" not in key[0]]
        if kernels:
            runs = sum(self.launches[key] for key in kernels)
            lines.append(f"CUDA C++: {len(kernels)} kernels executed on the CPU, {runs} launches")
        return lines
