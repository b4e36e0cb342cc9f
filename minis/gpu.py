"""What this machine has of a GPU, and what is missing, in words that say what to do about it.

The driver's library is asked itself, by ctypes: so the machine is known before CuPy is installed,
and the line that installs the right CuPy can be told.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

LIBRARIES = ("libcuda.so.1", "nvcuda.dll")  # the driver's, on Linux and on Windows
Version = tuple[int, int]

OLDEST: Version = (12, 0)  # of CUDA, that CuPy's and Numba's packages need
OLDEST_DRIVER = 525  # the first series that supports it
NEWER: Version = (13, 0)  # for drivers from series 580 on
CAPABILITY: Version = (7, 5)  # of a GPU, that CUDA 13 needs
WHEELS = {"cupy-cuda11x": (11, 2), "cupy-cuda12x": OLDEST, "cupy-cuda13x": NEWER}  # and their CUDA
NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
NAME_LENGTH = 256
MAJOR, MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, …_MINOR


class Device(NamedTuple):
    """A GPU: its name, the bytes of its memory, and its compute capability."""

    name: str
    memory: int
    capability: Version

    def __str__(self) -> str:
        major, minor = self.capability
        return f"{self.name}, {self.memory / 2**30:.0f} GiB, compute capability {major}.{minor}"


class Machine(NamedTuple):
    """What the driver says.

    Attributes
    ----------
    cuda : (int, int), optional
        The newest CUDA that the driver supports; None without a driver.
    devices : tuple of Device
    error : int
        Of the driver when it began; 0 if there was none.
    """

    cuda: Version | None = None
    devices: tuple[Device, ...] = ()
    error: int = 0


def look() -> Machine:
    """Ask the driver for its version and its GPUs."""
    driver = _driver()
    if driver is None:
        return Machine()
    version = ctypes.c_int()
    driver.cuDriverGetVersion(ctypes.byref(version))
    cuda = (version.value // 1000, version.value % 1000 // 10)
    error = int(driver.cuInit(0))
    if error:
        return Machine(cuda, error=error)
    count = ctypes.c_int()
    driver.cuDeviceGetCount(ctypes.byref(count))
    return Machine(cuda, tuple(_device(driver, number) for number in range(count.value)))


def _driver() -> Any:
    for name in LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _device(driver: Any, number: int) -> Device:
    device, name, memory = (
        ctypes.c_int(),
        ctypes.create_string_buffer(NAME_LENGTH),
        ctypes.c_size_t(),
    )
    driver.cuDeviceGet(ctypes.byref(device), number)
    driver.cuDeviceGetName(name, NAME_LENGTH, device)
    driver.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    capability = []
    for attribute in (MAJOR, MINOR):
        value = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        capability.append(value.value)
    return Device(name.value.decode(), memory.value, (capability[0], capability[1]))


def install_line(machine: Machine) -> str:
    """Return the line that installs what this machine's GPU needs.

    Examples
    --------
    >>> install_line(Machine((12, 4)))
    "pip install 'minis[cuda12]'"
    >>> install_line(Machine((13, 0), (Device("NVIDIA H200", 150 << 30, (9, 0)),)))
    "pip install 'minis[cuda13]'"
    """
    newer = machine.cuda is not None and machine.cuda >= NEWER
    new_enough = all(device.capability >= CAPABILITY for device in machine.devices)
    return f"pip install 'minis[{'cuda13' if newer and new_enough else 'cuda12'}]'"


def machine_problem(machine: Machine) -> str | None:
    """Say why no program can use a GPU here, or None where one can.

    Examples
    --------
    >>> machine_problem(Machine((11, 4)))
    'the NVIDIA driver supports CUDA 11.4, 12.0 or later is needed: update the driver to 525 or later'
    """  # noqa: E501 - the sentence is one line
    if machine.cuda is None:
        return (
            f"no NVIDIA driver was found ({LIBRARIES[os.name == 'nt']}): on a machine with an "
            f"NVIDIA GPU, install its driver, {OLDEST_DRIVER} or later, and then "
            f"{install_line(machine)}"
        )
    if machine.cuda < OLDEST:
        return (
            f"the NVIDIA driver supports CUDA {_text(machine.cuda)}, {_text(OLDEST)} or later is "
            f"needed: update the driver to {OLDEST_DRIVER} or later"
        )
    if machine.devices:
        return None
    if machine.error not in (0, NO_DEVICE):
        return (
            f"the NVIDIA driver does not start (its error {machine.error}): see whether "
            "`nvidia-smi` works; after an update of the driver, restart the machine"
        )
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES")
    if hidden is not None:
        return f"the environment variable CUDA_VISIBLE_DEVICES={hidden!r} hides every GPU: unset it"
    return "the NVIDIA driver is there but finds no GPU: see what `nvidia-smi` lists"


def package_problem(machine: Machine, packages: Sequence[str], error: str = "") -> str:
    """Say why CuPy doesn't work though there is a GPU.

    Parameters
    ----------
    machine : Machine
    packages : sequence of str
        Which packages of CuPy are installed.
    error : str
        Of importing CuPy.

    Examples
    --------
    >>> package_problem(Machine((12, 4)), ())
    "CuPy is not installed: pip install 'minis[cuda12]'"
    >>> package_problem(Machine((12, 4)), ["cupy-cuda13x"])
    "cupy-cuda13x needs a driver of CUDA 13.0 or later, this one supports 12.4: pip uninstall cupy-cuda13x; pip install 'minis[cuda12]'"
    """  # noqa: E501 - the sentence is one line
    line = install_line(machine)
    if not packages and not error:
        return f"CuPy is not installed: {line}"
    anew = f"pip uninstall {' '.join(packages) or 'cupy'}; {line}"
    if len(packages) > 1:
        return f"{' and '.join(packages)} are installed, which disturb each other: {anew}"
    for package in packages:
        needed = WHEELS.get(package, OLDEST)
        if machine.cuda is not None and machine.cuda < needed:
            return (
                f"{package} needs a driver of CUDA {_text(needed)} or later, this one supports "
                f"{_text(machine.cuda)}: {anew}"
            )
    return f"CuPy is installed but doesn't work{f' ({error})' if error else ''}: {anew}"


def cupy_problem() -> str | None:
    """Say why CuPy can't compute on a GPU here, or None where it can."""
    error = ""
    if importlib.util.find_spec("cupy") is not None:
        try:
            import cupy

            if cupy.cuda.is_available():
                return _compiler_problem(cupy)
        except ImportError as reason:
            error = str(reason)
    machine = look()
    return machine_problem(machine) or package_problem(machine, cupy_packages(), error)


def numba_problem() -> str | None:
    """Say why Numba's CUDA kernels can't run on a GPU here, or None where they can."""
    problem = cupy_problem()  # its arrays are theirs
    if problem:
        return problem
    from numba import cuda

    if cuda.is_available():
        return None
    return f"Numba finds no CUDA: {install_line(look())}"


def cupy_packages() -> list[str]:
    """Return the names of CuPy's packages that are installed: there should be one at most."""
    return [name for name in ("cupy", *WHEELS) if version(name) is not None]


def version(package: str) -> str | None:
    """Return the version of a package, or None if it isn't installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def device_name() -> str:
    """Return the name of the GPU that CuPy computes on."""
    import cupy

    name: bytes = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"]
    return name.decode()


def _compiler_problem(cupy: Any) -> str | None:
    get_version: Callable[[], Version] = cupy.cuda.nvrtc.getVersion
    try:
        get_version()
    except (ImportError, OSError, RuntimeError):
        return f"CuPy finds no compiler for CUDA (NVRTC): {install_line(look())}"
    return None


def _text(version: Version) -> str:
    return ".".join(map(str, version))
