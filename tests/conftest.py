"""The backends that the suite runs on, and a count of them at its end."""

import os
import shutil
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest

GPU = shutil.which("nvidia-smi") is not None
if not GPU:  # read when Numba is first imported: its CUDA kernels then run in the simulator
    os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")

from minis.backend import IMITATED_BY, unavailable  # noqa: E402

BACKENDS = ("numpy", "numba")
IMITATION = {"numba-cuda": "in Numba's simulator", "cupy": "emulated on the CPU"}
_ran: Counter[str] = Counter()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Run the test once on each backend."""
    name = request.param
    problem = unavailable(name)
    if problem:
        pytest.skip(f"backend {name}: {problem}")
    _ran[name] += 1
    return name


def _imitated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name = request.param
    monkeypatch.setenv(IMITATED_BY[name], "1")
    _ran[f"{name}, {IMITATION[name]}"] += 1
    return name


@pytest.fixture(params=tuple(IMITATED_BY))
def imitated_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test once on each backend of the GPU, on the CPU."""
    if GPU and request.param == "numba-cuda":
        pytest.skip("Numba has the real GPU in this process, and no simulator")
    return _imitated(request, monkeypatch)


@pytest.fixture(params=tuple(IMITATED_BY))
def gpu_backend(request: pytest.FixtureRequest) -> str:
    """Run the test once on each backend of the GPU, on the GPU."""
    name = request.param
    problem = unavailable(name) if GPU else "there is no NVIDIA GPU here"
    if problem:
        pytest.skip(f"backend {name}: {problem}")
    _ran[f"{name}, on the GPU"] += 1
    return name


@pytest.fixture
def emulated_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile CUDA C++ for the CPU in this test: the `cupy` backend takes NumPy arrays."""
    monkeypatch.setenv("MINIS_CUDA_EMULATION", "1")
    _ran[f"cupy, {IMITATION['cupy']}"] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of the whole suite in which some CUDA C++ kernel was never executed."""
    whole = session.config.args == session.config.getini("testpaths")
    chosen = session.config.option.keyword or session.config.option.markexpr
    if GPU or not whole or chosen or session.exitstatus != pytest.ExitCode.OK:
        return
    never = _never_executed()
    if never:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nCUDA C++ kernels that no test executed: {', '.join(never)}")


def _never_executed() -> list[str]:
    from minis_kernels.cupy_cuda.emulation.emulator import launches
    from minis_kernels.cupy_cuda.program import SOURCES
    from minis_kernels.cupy_cuda.signatures import signatures

    kernels = [
        (file.name, name)
        for file in sorted(SOURCES.glob("*.cu"))
        for name in signatures(file.read_text(encoding="utf-8"), np.dtype("float32"))
    ]
    return [f"{name} of {file}" for file, name in kernels if not launches[file, name]]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which backends ran, and why the others didn't."""
    gpu = [f"{name}, {how}" for name in IMITATED_BY for how in (IMITATION[name], "on the GPU")]
    for name in (*BACKENDS, *gpu):
        if _ran[name]:
            terminalreporter.write_line(f"backend {name}: {_ran[name]} tests")
        else:
            terminalreporter.write_line(f"backend {name}: did not run ({_why_not(name)})")

    for line in _cuda_sources():
        terminalreporter.write_line(line)


def _cuda_sources() -> list[str]:
    """Count the CUDA C++ files that were compiled, and the kernels that were executed."""
    lines = []
    nvrtc = sys.modules.get("minis_kernels.cupy_cuda.nvrtc")
    if nvrtc is not None:
        files = {file for file, _, _ in nvrtc.compiled if "/" not in file}
        kinds = sorted({architecture for _, _, architecture in nvrtc.compiled})
        lines.append(f"CUDA C++: {len(files)} files compiled by NVRTC for {', '.join(kinds)}")
    emulator = sys.modules.get("minis_kernels.cupy_cuda.emulation.emulator")
    if emulator is not None:
        kernels = [key for key in emulator.launches if "/" not in key[0]]
        runs = sum(emulator.launches[key] for key in kernels)
        lines.append(f"CUDA C++: {len(kernels)} kernels executed on the CPU, {runs} launches")
    return lines


def _why_not(name: str) -> str:
    if name.endswith("on the GPU") and not GPU:
        return "there is no NVIDIA GPU here"
    problem = None if "," in name else unavailable(name)
    return problem or "no test here asked for it"
