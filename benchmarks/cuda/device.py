"""Describe the GPU: its name, what it has, and its driver."""

from __future__ import annotations

import subprocess


def properties(
    name: str, memory: int, l2: int, multiprocessors: int, capability: tuple[int, int]
) -> dict[str, str]:
    """Return what a device is, in the order in which to show it; sizes are given in bytes.

    Examples
    --------
    >>> properties("A GPU", 8 << 30, 4 << 20, 30, (8, 6))["memory of the GPU"]
    '8 GiB'
    """
    return {
        "GPU": name,
        "memory of the GPU": f"{memory / 2**30:.0f} GiB",
        "L2 cache": f"{l2 / 2**20:.0f} MiB",
        "multiprocessors": str(multiprocessors),
        "compute capability": ".".join(map(str, capability)),
    }


def driver() -> dict[str, str]:
    """Return the driver's version, as `nvidia-smi` knows it; nothing where it can't be asked."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return {}
    versions = done.stdout.split()  # a line for each GPU, all the same
    return {"driver": versions[0]} if versions else {}
