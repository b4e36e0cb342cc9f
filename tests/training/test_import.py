"""`import minis.training` costs little."""

import subprocess
import sys


def test_importing_training_imports_nothing_heavy():
    program = (
        "import sys, minis.training; "
        "print([m for m in ('rich', 'scipy', 'safetensors', 'PIL', 'torch', 'numba') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
