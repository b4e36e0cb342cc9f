"""The sides of a comparison, as the parent sees them: processes that answer requests."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol

OTHERS = {"torch": "PyTorch", "onnxruntime": "onnxruntime", "openvino": "OpenVINO"}
ON_GPU = {"torch": "torch-cuda"}  # the implementation's name there


class Answering(Protocol):
    """What a comparison needs of a side."""

    name: str

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a request: see `worker`."""


class Side:
    """A process that runs one implementation; it starts when it is first asked.

    Parameters
    ----------
    name : str
        The implementation.
    threads : int
        For every library that it may load.
    settings : mapping of str to str, optional
        Further environment variables.
    """

    def __init__(self, name: str, threads: int, settings: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.environment = {**os.environ, **thread_limits(threads), **(settings or {})}
        self._process: subprocess.Popen[str] | None = None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request, and wait for the answer; a process that dies is a problem, too."""
        process = self._process or self._start()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        status = process.wait()
        self.close()
        return {"problem": f"the process of {self.name} ended with status {status}"}

    def close(self) -> None:
        """End the process; asked again, a new one starts."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Side:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        return self._process


def thread_limits(threads: int) -> dict[str, str]:
    """Return the environment variables that hold every library to a number of threads."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    return {f"{name}_NUM_THREADS": str(threads) for name in names}


def missing(name: str) -> str | None:
    """Say what is needed to compare with `name`, or None where it is there."""
    if name not in OTHERS:
        return None
    for module in dict.fromkeys((name, "torch")):  # the networks are written in PyTorch
        if importlib.util.find_spec(module) is None:
            return f"{OTHERS[module]} is not installed: pip install -e '.[benchmarks]'"
    return None


def missing_on_gpu(name: str) -> str | None:
    """Say what is needed to compare with `name` on the GPU, or None where it is there."""
    if name not in ON_GPU:
        return "it is compared on the CPU only"
    problem = missing(name)
    if problem:
        return problem
    import torch

    if not torch.cuda.is_available():
        return f"PyTorch {torch.__version__} finds no CUDA GPU"
    return None
