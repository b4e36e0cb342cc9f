"""`minis plan`, run as a user runs it: in a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from minis.models import UNet
from minis.training import save_weights


def command(*arguments, columns=100, cwd=None):
    """Run `minis plan` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "minis", "plan", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"},
    )


def test_command(tmp_path):
    """Layers and totals on standard output, and everything in the file."""
    file = tmp_path / "plan.json"
    done = command(
        "unet", "--variant", "paper", "--input", "1,1,572,572", "--classes", 3, "--json", file
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "unet paper: 1×1×572×572 float32 → 1×3×388×388" in done.stdout
    assert "31,030,723 parameters, and 0 values saved besides" in done.stdout
    assert "each output depends on 188 to 204 pixels of the input along each axis" in done.stdout
    assert "1×1024×28×28" in done.stdout
    saved = json.loads(file.read_text())
    assert saved["model"] == "unet paper"
    assert saved["rows"][0]["flops"] == 2 * 9 * 64 * 570**2
    assert saved["training"]["activations"] > saved["inference"]["activations"]


def test_command_on_a_trained_network(tmp_path):
    """A file in place of a name."""
    file = tmp_path / "best.safetensors"
    save_weights(
        UNet.mini(in_channels=2, rng=np.random.default_rng(0)),
        file,
        metadata={
            "model": {"name": "unet", "in_channels": 2, "num_classes": 2},
            "classes": ["a", "b"],
            "mask_values": [0, 1],
            "settings": {"stretched": False},
        },
    )
    done = command(file, columns=200)
    assert done.returncode == 0, done.stderr
    assert "best.safetensors: 1×2×256×256 float32 → 1×2×256×256" in done.stdout
    refused = command(file, "--classes", 3, columns=200)
    assert refused.returncode == 2
    assert "--classes is for a model by its name" in refused.stderr


def test_what_cannot_be_trained_is_told():
    """And why."""
    done = command("unet", "--input", "1,1,4,4", columns=200)
    assert done.returncode == 0
    assert "can't be trained on this size: batch_norm: training needs more than" in done.stdout
    assert "92 to 100 pixels of the input along each axis, as far as it reaches" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unet9"], "no model and no file 'unet9'; models: "),
        (["unet", "--variant", "huge"], "no variant 'huge' of unet; there are mini, paper"),
        (["unet", "--input", "1,3"], "--input must be positive numbers N,C and one to three"),
        (["unet", "--variant", "paper", "--input", "1,1,99,99"], "5 levels; nearest: 188"),
        (["mask-rcnn", "--variant", "paper"], "MaskRCNN can't be planned: how many boxes"),
        (["unet", "--classes", "0"], "--classes"),
        (["unet", "--json", "none/a.json"], "none: no such folder"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, tmp_path):
    """Exit status 2, the reason on standard error, no traceback."""
    done = command(*arguments, columns=200, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help_has_an_example():
    """To copy."""
    assert "Example: minis plan unet" in command("--help").stdout
