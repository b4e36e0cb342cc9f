"""What is told of a GPU that can't be used: each thing that may be missing, and what to do."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import minis
from minis import backend, doctor, gpu
from minis.gpu import Device, Machine

H200 = Device("NVIDIA H200", 140 << 30, (9, 0))
VOLTA = Device("Tesla V100", 32 << 30, (7, 0))
ROOT = Path(__file__).parents[2]

# a driver with one GPU, in the functions that are asked for
DRIVER = r"""
#include <string.h>
int cuDriverGetVersion(int* version) { *version = VERSION; return 0; }
int cuInit(unsigned flags) { return ERROR; }
int cuDeviceGetCount(int* count) { *count = COUNT; return 0; }
int cuDeviceGet(int* device, int number) { *device = 40 + number; return 0; }
int cuDeviceGetName(char* name, int length, int device) {
    strncpy(name, "NVIDIA A2", length);
    name[8] += device - 40;
    return 0;
}
int cuDeviceTotalMem_v2(size_t* bytes, int device) { *bytes = (size_t)16 << 30; return 0; }
int cuDeviceGetAttribute(int* value, int attribute, int device) {
    *value = attribute == 75 ? 8 : attribute == 76 ? 6 : -1;
    return 0;
}
"""


@pytest.fixture(autouse=True)
def _fresh_answers():
    """Forget, before and after, what is known to be unavailable."""
    backend._problem.cache_clear()
    yield
    backend._problem.cache_clear()


@pytest.fixture
def machine(monkeypatch):
    """Set what the driver says, and which packages of CuPy are installed."""

    def set_to(machine, *packages, cupy=None):
        monkeypatch.setattr(gpu, "look", lambda: machine)
        monkeypatch.setattr(gpu, "cupy_packages", lambda: list(packages))
        monkeypatch.setitem(sys.modules, "cupy", cupy)

    return set_to


def cupy(available, compiler=True):
    """A CuPy that says whether it finds a GPU, and NVRTC."""

    def version():
        if not compiler:
            raise RuntimeError('Failure finding "libnvrtc.so"')
        return 12, 9

    nvrtc = SimpleNamespace(getVersion=version)
    cuda = SimpleNamespace(is_available=lambda: available, nvrtc=nvrtc)
    return SimpleNamespace(__spec__=object(), cuda=cuda)


@pytest.mark.parametrize(
    ("version", "error", "count", "expected"),
    [
        (12040, 0, 1, Machine((12, 4), (Device("NVIDIA A2", 16 << 30, (8, 6)),))),
        (13000, 0, 2, Machine((13, 0), (Device("NVIDIA A2", 16 << 30, (8, 6)),) * 2)),
        (13110, 100, 7, Machine((13, 11), (), 100)),
        (11080, 803, 7, Machine((11, 8), (), 803)),
    ],
)
def test_the_driver_is_asked(version, error, count, expected, tmp_path, monkeypatch):
    """Through the library's own functions, of which a small one stands in."""
    compiler = shutil.which("gcc") or shutil.which("cc") or pytest.skip("there is no C compiler")
    macros = {"VERSION": version, "ERROR": error, "COUNT": count}
    library = tmp_path / "libcuda.so.1"
    flags = [f"-D{name}={value}" for name, value in macros.items()]
    subprocess.run(
        [compiler, "-shared", "-fPIC", *flags, "-x", "c", "-", "-o", library],
        input=DRIVER,
        text=True,
        check=True,
    )
    monkeypatch.setattr(gpu, "LIBRARIES", ("libno-such.so.1", str(library)))
    seen = gpu.look()
    names = [device.name for device in seen.devices]
    assert names == ["NVIDIA A2", "NVIDIA A3"][: len(names)]
    assert seen._replace(devices=tuple(d._replace(name="NVIDIA A2") for d in seen.devices)) == (
        expected
    )


def test_without_a_driver(monkeypatch):
    """Its library isn't there."""
    monkeypatch.setattr(gpu, "LIBRARIES", ("libno-such.so.1",))
    assert gpu.look() == Machine(None, (), 0)


@pytest.mark.parametrize(
    ("seen", "packages", "module", "text"),
    [
        (Machine(), (), None, "no NVIDIA driver was found .*525 or later, and then pip install"),
        (Machine((11, 4), (H200,)), (), None, "CUDA 11.4, 12.0 or later is needed: update the dri"),
        (Machine((12, 4), (), 100), (), None, "finds no GPU: see what `nvidia-smi` lists"),
        (Machine((12, 4), (), 999), (), None, r"does not start \(its error 999\)"),
        (Machine((12, 4), (H200,)), (), None, r"CuPy is not installed: pip .*minis\[cuda12\]'$"),
        (Machine((13, 0), (H200,)), (), None, r"CuPy is not installed: pip .*minis\[cuda13\]'$"),
        (Machine((13, 0), (H200, VOLTA)), (), None, r"pip install 'minis\[cuda12\]'$"),
        (
            Machine((12, 9), (H200,)),
            ("cupy-cuda13x",),
            cupy(False),
            "cupy-cuda13x needs a driver of CUDA 13.0 or later, this one supports 12.9: "
            r"pip uninstall cupy-cuda13x; pip install 'minis\[cuda12\]'$",
        ),
        (
            Machine((13, 0), (H200,)),
            ("cupy-cuda12x", "cupy-cuda13x"),
            cupy(False),
            "cupy-cuda12x and cupy-cuda13x are installed, which disturb each other: "
            r"pip uninstall cupy-cuda12x cupy-cuda13x; pip install 'minis\[cuda13\]'$",
        ),
        (Machine((13, 0), (H200,)), ("cupy",), cupy(False), "installed but doesn't work: pip unin"),
        (Machine((13, 0), (H200,)), ("cupy-cuda13x",), cupy(True, False), r"\(NVRTC\): pip inst"),
    ],
)
def test_what_is_missing_is_named(seen, packages, module, text, machine):
    """By `use`, by `to`, by `choose_device` and by the doctor."""
    from minis.training.device import choose_device

    machine(seen, *packages, cupy=module)
    for ask in (
        lambda: minis.use("cupy"),
        lambda: minis.nn.Module().to("cuda"),
        lambda: choose_device("cuda"),
    ):
        with pytest.raises(minis.BackendUnavailableError, match=text):
            ask()
    assert choose_device("auto") == "cpu"
    found = {finding.what: finding for finding in doctor.examine()}
    assert re.search(text, found["backend cupy"].detail)
    assert not found["backend cupy"].ok


def test_a_cupy_that_cannot_be_imported(machine, tmp_path, monkeypatch):
    """Its error is told."""
    machine(Machine((12, 4), (H200,)), "cupy-cuda12x")
    (tmp_path / "cupy.py").write_text("raise ImportError('libcudart.so.12 is missing')")
    monkeypatch.delitem(sys.modules, "cupy")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(minis.BackendUnavailableError, match=r"\(libcudart.so.12 is missing\): pip"):
        minis.use("cupy")


def test_hidden_devices(machine, monkeypatch):
    """An environment variable can hide them."""
    machine(Machine((12, 4), (), 100))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(minis.BackendUnavailableError, match="VISIBLE_DEVICES='-1' hides every"):
        minis.use("cupy")


def test_all_is_well(machine):
    """Then nothing is missing, and the doctor names the GPU."""
    machine(Machine((13, 0), (H200,)), "cupy-cuda13x", cupy=cupy(True))
    assert backend.unavailable("cupy") is None
    found = {finding.what: finding for finding in doctor.examine()}
    assert found["GPU"].detail == (
        "NVIDIA H200, 140 GiB, compute capability 9.0; the driver supports CUDA 13.0"
    )
    assert found["GPU"].ok
    assert found["backend cupy"].ok


def test_an_imitation_is_no_gpu(monkeypatch):
    """Emulated kernels take NumPy arrays; there is still no place to move a model to."""
    monkeypatch.setattr(gpu, "look", Machine)
    monkeypatch.setitem(sys.modules, "cupy", None)
    monkeypatch.setenv("MINIS_CUDA_EMULATION", "1")
    assert backend.unavailable("cupy") is None
    with pytest.raises(minis.BackendUnavailableError, match=r"to\('cuda'\): no NVIDIA driver"):
        minis.nn.Module().to("cuda")


def test_what_is_to_be_installed_exists():
    """Each line names an extra of the package, which asks for the CuPy that is meant."""
    with open(ROOT / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    for machine, wheel in ((Machine((12, 4)), "cupy-cuda12x"), (Machine((13, 1)), "cupy-cuda13x")):
        (extra,) = re.findall(r"minis\[(\w+)\]", gpu.install_line(machine))
        assert any(requirement.startswith(f"{wheel}[") for requirement in extras[extra])
