"""No kernel reads or writes outside of its arrays, nor races with itself in shared memory."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minis.backend import IMITATED_BY

from .run_each_kernel import run_kernels

TOOLS = ("memcheck", "racecheck", "synccheck")
ROOT = Path(__file__).parents[2]


@pytest.mark.gpu
@pytest.mark.parametrize("gpu_backend", tuple(IMITATED_BY), indirect=True)
@pytest.mark.parametrize("tool", TOOLS)
def test_each_kernel_under_the_sanitizer(tool, gpu_backend):
    """NVIDIA's compute-sanitizer watches every kernel of a backend."""
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("compute-sanitizer, of the CUDA toolkit, is not installed")
    done = subprocess.run(
        [sanitizer, "--tool", tool, "--error-exitcode", "9", sys.executable, "-m",
         "tests.cuda.run_each_kernel", gpu_backend],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_each_kernel_serves_a_call(imitated_backend):
    """Here without the sanitizer: what it is to watch does run."""
    assert run_kernels(imitated_backend, enough=1) == []
