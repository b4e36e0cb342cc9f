"""`minis check` from the command line."""

import subprocess
import sys

import pytest

POOL = """
import numpy as np

def max_pool(x, size, **options):
    from minis import ops
    return ops.max_pool.reference(x, size, **options)
"""

KERNEL = """
import numpy as np
from numba import cuda

@cuda.jit
def clip(x, y):
    i = cuda.grid(1)
    if i < x.size:
        y[i] = x[i] if x[i] > 0 else 0

def relu(x):
    flat, y = np.ravel(x), np.empty(x.size, x.dtype)
    if x.size:
        clip[(x.size + 31) // 32, 32](flat, y)
    return y.reshape(x.shape)
"""


def minis(*arguments):
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "minis", "check", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file of Python."""

    def made(text, name="mine.py"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return made


def test_a_right_file(write):
    done = minis(write(POOL))
    assert done.returncode == 0, done.stderr
    assert "max_pool is a right max_pool" in done.stdout


def test_a_wrong_file_has_status_one_and_a_picture(write, tmp_path):
    file = write(POOL.replace("reference(x, size", "reference(x + 1, size"))
    done = minis(file, "--picture", tmp_path / "p.png")
    assert done.returncode == 1
    assert "is not yet a right max_pool" in done.stdout
    assert (tmp_path / "p.png").exists()


def test_one_function_of_several_by_name(write):
    file = write(POOL.replace("max_pool(x", "mine(x") + "\ndef other(x):\n    return x\n")
    assert "which function of" in minis(file).stderr
    assert minis(f"{file}::mine", "--op", "max_pool").returncode == 0
    assert "has no function 'yours'; it has mine, other" in " ".join(
        minis(f"{file}::yours", "--op", "max_pool").stderr.split()
    )


def test_a_file_that_is_not_there_or_not_python(write):
    assert minis("nowhere.py").returncode == 2
    done = minis(write("def relu(x)\n    return x\n"))
    assert done.returncode == 1
    assert "the file can't be run: SyntaxError: expected ':' in line 1" in " ".join(
        done.stdout.split()
    )


def test_a_kernel_runs_in_the_simulator(write):
    done = minis(write(KERNEL), "--backend", "numba-cuda")
    assert done.returncode == 1  # NaN is not greater than zero
    assert "nan" in done.stdout.lower()
    mended = KERNEL.replace("x[i] if x[i] > 0 else 0", "0 if x[i] <= 0 else x[i]")
    done = minis(write(mended), "--backend", "numba-cuda")
    assert done.returncode == 0, done.stdout
