"""Every CUDA C++ file compiles for every kind of GPU, without a GPU."""

import importlib
import pkgutil

import pytest

from minis_kernels import cupy_cuda
from minis_kernels.cupy_cuda.nvrtc import CompilationError, compile_for
from minis_kernels.cupy_cuda.program import PROGRAMS, SOURCES, Program

pytest.importorskip(
    "cuda.bindings.nvrtc",
    reason="NVRTC is not installed: pip install cuda-bindings nvidia-cuda-nvrtc",
)

for module in pkgutil.iter_modules(cupy_cuda.__path__):
    importlib.import_module(f"minis_kernels.cupy_cuda.{module.name}")

ARCHITECTURES = ("sm_75", "sm_80", "sm_90")
CASES = [
    pytest.param(program, real, id=f"{program.file}-{real}-{program.macros}")
    for program in PROGRAMS
    if (SOURCES / program.file).parent == SOURCES
    for real in program.reals
]


@pytest.mark.parametrize(("program", "real"), CASES)
def test_compiles(program, real):
    """Down to machine code, with no registers spilled to memory."""
    for architecture in ARCHITECTURES:
        taken = compile_for(program, real, architecture)
        assert taken, f"{program.file} has no kernel"
        for name, usage in taken.items():
            assert usage.spilled == 0, f"{name} for {architecture}: {usage}"


def test_no_file_is_left_out():
    files = {program.file for program in PROGRAMS}
    assert {f.name for f in SOURCES.glob("*.cu")} <= files


def test_an_error_is_told_with_the_compilers_log(tmp_path):
    file = tmp_path / "wrong.cu"
    file.write_text('extern "C" __global__ void run(int* x) { nonsense; }')
    with pytest.raises(CompilationError, match='identifier "nonsense" is undefined'):
        compile_for(Program(str(file)), "float32", "sm_90")
