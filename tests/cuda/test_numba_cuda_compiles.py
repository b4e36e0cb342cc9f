"""Every kernel in Python compiles for every kind of GPU, without a GPU.

In the simulator a kernel is plain Python: nothing there tells that the compiler understands it.
"""

import ast
import importlib
import json
import os
import pkgutil
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import minis_kernels
from minis_kernels import numba_cuda
from minis_kernels.numba_cuda.launch import KERNELS

for module in pkgutil.iter_modules(numba_cuda.__path__):
    importlib.import_module(f"minis_kernels.numba_cuda.{module.name}")

FOLDER = Path(numba_cuda.__path__[0])
NAMES = [str(kernel) for kernel in KERNELS]
CAPABILITIES = ((7, 5), (8, 0), (9, 0))


@pytest.fixture(scope="module")
def compiled() -> list[dict[str, Any]]:
    """Return what the script tells of all kernels."""
    script = Path(__file__).with_name("compile_numba_cuda.py")
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_ENABLE_CUDASIM"}
    environment["PYTHONPATH"] = str(Path(minis_kernels.__path__[0]).parent)
    ran = subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    if told[0]["missing"]:
        packages = "numba-cuda nvidia-nvvm nvidia-cuda-nvrtc"
        pytest.skip(f"pip install {packages}: {told[0]['missing']}")
    return told[1:]


@pytest.mark.parametrize("name", NAMES)
def test_compiles(name: str, compiled: list[dict[str, Any]]) -> None:
    """For float32 and float64, and for each kind of GPU that is supported."""
    kernel = next(k for k in KERNELS if str(k) == name)
    told = [line for line in compiled[1:] if line["kernel"] == name]
    errors = [f"{t['real']}, {t['cc']}: {t['error']}" for t in told if "error" in t]
    assert not errors, "\n".join(errors)
    takes_reals = any("'real'" in repr(wanted) for wanted in kernel.takes.values())
    reals = ("float32", "float64") if takes_reals else ("float32",)
    assert {(t["real"], tuple(t["cc"])) for t in told} == set(product(reals, CAPABILITIES))
    for t in told:
        major, minor = t["cc"]
        assert f".target sm_{major}{minor}" in t["ptx"]
        (entry,) = [line for line in t["ptx"].splitlines() if ".entry" in line]
        assert kernel.name in entry
        if t["real"] == "float32" and ".conv" in name:
            assert ".f64" not in t["ptx"], "a number of float32 is computed with in float64"


def test_no_kernel_is_missed(compiled: list[dict[str, Any]]) -> None:
    """What the script compiled is what this process has."""
    assert sorted(compiled[0]["kernels"]) == sorted(NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_every_kernel_is_made_by_the_decorator() -> None:
    """Nothing but `launch` calls Numba's compiler, and what is decorated is registered."""
    decorated = []
    for file in sorted(FOLDER.glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                marks = [ast.unparse(mark) for mark in node.decorator_list]
                decorated += [(file.stem, node.name)] * ("kernel" in marks)
            elif isinstance(node, ast.Attribute) and file.stem != "launch":
                assert ast.unparse(node) != "cuda.jit", f"{file.name}: use @kernel or @device"
    made = [(k.function.__module__.rpartition(".")[2], k.name) for k in KERNELS]
    assert sorted(decorated) == sorted(made)
