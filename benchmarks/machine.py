"""Describe the machine and what runs on it: no names of hosts or users, no paths."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from pathlib import Path

import numpy as np

from minis.doctor import cores

PACKAGES = {
    "minis": "minis",
    "numpy": "NumPy",
    "numba": "Numba",
    "scipy": "SciPy",
    "numba-cuda": "Numba-CUDA",
    "cupy-cuda12x": "CuPy",
    "cupy-cuda13x": "CuPy",
    "torch": "PyTorch",
    "torchvision": "torchvision",
    "onnxruntime": "onnxruntime",
    "openvino": "OpenVINO",
}


def describe() -> dict[str, str]:
    """Return what is worth knowing, in the order in which to show it.

    Examples
    --------
    >>> "Python" in describe()
    True
    """
    return {
        "processor": processor(),
        "cores": str(cores()),
        "caches": caches() or "unknown",
        "memory": memory(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **_versions(),
        "BLAS of NumPy": _blas(),
    }


def slug(machine: dict[str, str]) -> str:
    """Return a folder's name for the machine: processor and cores, or the GPU.

    Examples
    --------
    >>> slug({"processor": "AMD EPYC (family 26, model 2)", "cores": "2"})
    'amd-epyc-family-26-model-2-2-cores'
    >>> slug({"GPU": "NVIDIA A100-SXM4-80GB", "processor": "AMD EPYC", "cores": "8"})
    'nvidia-a100-sxm4-80gb'
    """
    text = machine.get("GPU") or f"{machine['processor']} {machine['cores']} cores"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def processor() -> str:
    """Name the processor; some servers hide the model's name, so the family is told too."""
    fields: dict[str, str] = {}
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in fields and "model" in fields:
        name += f" (family {fields['cpu family']}, model {fields['model']})"
    return name


def caches() -> str:
    """Name the caches of the first core, each with the number of cores that share it."""
    found = []
    for cache in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size, sharing = (
            (cache / field).read_text().strip()
            for field in ("level", "type", "size", "shared_cpu_list")
        )
        if kind != "Instruction":
            letter = "d" if kind == "Data" else ""
            found.append(f"L{level}{letter} {size} for cpu {sharing}")
    return ", ".join(found)


def memory() -> str:
    """Return the memory in GiB."""
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return "unknown"
    return f"{pages / 2**30:.0f} GiB"


def _versions() -> dict[str, str]:
    versions = {}
    for package, name in PACKAGES.items():
        try:
            versions[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _blas() -> str:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{blas['name']} {blas['version']}"
