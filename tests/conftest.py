"""The backends that the suite runs on, and a count of them at its end."""

import os
import shutil
from typing import Any

import pytest

GPU = shutil.which("nvidia-smi") is not None
if not GPU:  # read when Numba is first imported: its CUDA kernels then run in the simulator
    os.environ.setdefault("NUMBA_ENABLE_CUDASIM", "1")

from minis.backend import IMITATED_BY, unavailable  # noqa: E402

from .counts import Counts  # noqa: E402

BACKENDS = ("numpy", "numba")
IMITATION = {"numba-cuda": "in Numba's simulator", "cupy": "emulated on the CPU"}
_counts = Counts()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Run the test once on each backend."""
    name = request.param
    problem = unavailable(name)
    if problem:
        pytest.skip(f"backend {name}: {problem}")
    _counts.tests[name] += 1
    return name


def _imitated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name = request.param
    monkeypatch.setenv(IMITATED_BY[name], "1")
    _counts.tests[f"{name}, {IMITATION[name]}"] += 1
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
    _counts.tests[f"{name}, on the GPU"] += 1
    return name


@pytest.fixture
def emulated_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile CUDA C++ for the CPU in this test: the `cupy` backend takes NumPy arrays."""
    monkeypatch.setenv("MINIS_CUDA_EMULATION", "1")
    _counts.tests[f"cupy, {IMITATION['cupy']}"] += 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of the whole suite in which some CUDA C++ kernel was never executed."""
    _counts.take_from_this_process()
    if hasattr(session.config, "workeroutput"):  # one of several processes
        session.config.workeroutput["counts"] = _counts.as_plain()
        return
    whole = session.config.args == session.config.getini("testpaths")
    chosen = session.config.option.keyword or session.config.option.markexpr
    if GPU or not whole or chosen or session.exitstatus != pytest.ExitCode.OK:
        return
    never = _counts.never_executed()
    if never:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nCUDA C++ kernels that no test executed: {', '.join(never)}")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what one of several processes counted."""
    plain = getattr(node, "workeroutput", {}).get("counts")
    if plain:
        _counts.add(plain)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which backends ran, and why the others didn't."""
    gpu = [f"{name}, {how}" for name in IMITATED_BY for how in (IMITATION[name], "on the GPU")]
    for name in (*BACKENDS, *gpu):
        if _counts.tests[name]:
            terminalreporter.write_line(f"backend {name}: {_counts.tests[name]} tests")
        else:
            terminalreporter.write_line(f"backend {name}: did not run ({_why_not(name)})")
    for line in _counts.of_cuda_sources():
        terminalreporter.write_line(line)


def _why_not(name: str) -> str:
    if name.endswith("on the GPU") and not GPU:
        return "there is no NVIDIA GPU here"
    problem = None if "," in name else unavailable(name)
    return problem or "no test here asked for it"
