"""`minis compare` and `minis adjoint`, run as a user runs them: in a process of their own."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from minis.models import UNet

NET = """
import torch
from torch import nn
from torch.nn import functional as F
from layers_of_mine import block

class Net(nn.Module):
    def __init__(self, n_channels, n_classes, swapped=False):
        super().__init__()
        self.inc, self.bottom, self.swapped = block(n_channels, 8), nn.ModuleList(), swapped
        for c in (8, 16, 32):
            self.bottom.append(block(c, 2 * c))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, 2) for c in (32, 16, 8))
        self.decoder = nn.ModuleList(block(2 * c, c) for c in (32, 16, 8))
        self.outc = nn.Conv2d(8, n_classes, 1)

    def forward(self, x):
        skips = [self.inc(x)]
        for down in self.bottom:
            skips.append(down(F.max_pool2d(skips[-1], 2)))
        x = skips.pop()
        for up, layers in zip(self.ups, self.decoder):
            both = [skips.pop(), up(x)]
            x = layers(torch.cat(both[::-1] if self.swapped else both, 1))
        return self.outc(x)

def wrong():
    return Net(1, 2, swapped=True)

def needs(depth):
    return Net(1, depth)

def broken():
    raise RuntimeError("mine")

number = 7
"""
LAYERS = """
from torch import nn

def block(a, b):
    layers = []
    for c in (a, b):
        layers += [nn.Conv2d(c, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(True)]
    return nn.Sequential(*layers)
"""


@pytest.fixture
def folder(tmp_path):
    """A user's folder, with a network in two files."""
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "layers_of_mine.py").write_text(LAYERS)
    return tmp_path


def minis(*arguments, cwd=None, columns=80):
    """Run the command, in a terminal without colours."""
    return subprocess.run(
        [sys.executable, "-m", "minis", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "MINIS_BACKEND": "numpy"},
    )


def test_against_pytorch_s_operations():
    """No divergence; status 0."""
    done = minis("compare", "unet", "--input", "1,1,32,32", "--all")
    assert done.returncode == 0, done.stderr
    assert "unet mini on 1×1×32×32 float64, training, against PyTorch's operations" in done.stdout
    assert "layers: 49 matched" in done.stdout
    assert "merge.2.4" in done.stdout
    assert "No divergence: the largest differences are forward" in done.stdout
    assert "--against FILE.py::NAME" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_against_a_right_port(folder):
    """Of other names; the table of what was matched."""
    done = minis("compare", "unet", "--against", "net.py::Net", "--classes", 3, "--all", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "weights: 0 matched by name, 78 by order and shape" in done.stdout
    assert "merge.0.0.weight → decoder.0.0.weight" in done.stdout
    assert "No divergence" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_against_a_wrong_port(folder):
    """The first layer that differs, and why; status 1."""
    done = minis("compare", "unet", "--against", "net.py::wrong", cwd=folder)
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.split())
    assert "First divergence: merge.0.0, input of conv: up to" in text
    assert "swapped channels: theirs begin with our channel 32, our first 32 come last" in text
    assert "a concatenation the other way round?" in text
    assert len(done.stdout.splitlines()) < 25  # only the layers around it


def test_a_trained_network(folder):
    """From its file; as many classes as it has; inference; float32."""
    from minis.training import save_weights

    save_weights(
        UNet.mini(num_classes=3),
        folder / "best.safetensors",
        metadata={
            "model": {"name": "unet", "in_channels": 1, "num_classes": 3},
            "classes": ["a", "b", "c"],
            "mask_values": [0, 1, 2],
            "settings": {"stretched": False},
        },
    )
    options = ["--inference", "--float32", "--input", "1,1,16,16"]
    done = minis("compare", "best.safetensors", "--against", "net.py::Net", *options, cwd=folder)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "best.safetensors on 1×1×16×16 float32, evaluation, against net.py::Net" in done.stdout
    assert "Gradients weren't compared" in done.stdout


def test_a_detector_in_parts(folder):
    """Each against PyTorch's operations; against a module that has no such parts, it is said."""
    done = minis("compare", "mask-rcnn", "--input", "1,3,64,64")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("No divergence") == 6
    assert "roi_heads.mask_predictor" in done.stdout
    done = minis(
        "compare", "mask-rcnn", "--input", "1,3,64,64", "--against", "net.py::Net", cwd=folder
    )
    assert done.returncode == 1
    text = " ".join(done.stdout.split())
    assert "net.py::Net has no part 'backbone': a detector's parts have torchvision's names" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["unet", "--against", "tensorflow"], "--against must be torch, or FILE.py::NAME for a"),
        (["unet", "--against", "none.py::Net"], "--against: no file 'none.py'"),
        (["unet", "--against", "net.py::Nett"], "net.py has no 'Nett'; it has "),
        (["unet", "--against", "net.py::number"], "net.py::number is no torch.nn.Module"),
        (["unet", "--against", "net.py::needs"], "net.py::needs needs depth, which nobody knows"),
        (["unet", "--against", "net.py::broken"], "net.py::broken() fails: RuntimeError: mine"),
        (["unet", "--against", "bad.py::Net"], "bad.py fails: ZeroDivisionError: division by zero"),
        (["unet9"], "no model and no file 'unet9'; models: unet"),
        (["unet", "--input", "1,3"], "--input must be positive numbers"),
        (["unet", "--variant", "paper", "--input", "1,1,99,99"], "image's side of 99 doesn't fit"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, folder):
    """Exit status 2, the reason on standard error, no traceback."""
    (folder / "bad.py").write_text("1 / 0")
    done = minis("compare", *arguments, cwd=folder, columns=200)
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_adjoint(tmp_path):
    """Both matrices in 80 columns, the check, the partner, and a picture that opens."""
    picture = tmp_path / "conv.png"
    options = ["--set", "side=5", "--set", "stride=2", "--beside", "--out", picture]
    done = minis("adjoint", "conv", *options)
    assert done.returncode == 0, done.stderr
    assert "A, 4 × 25" in done.stdout
    assert "needs" not in done.stdout
    assert "conv_transpose: 3×3 filter 1 … 9, stride=2" in done.stdout
    assert "each is the other's backward" in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 80
    with Image.open(picture) as image:
        assert min(image.size) > 500
        assert len(np.unique(np.asarray(image.convert("L")))) > 50
    again = minis("adjoint", "conv", "--out", picture)
    assert again.returncode == 2
    assert "is there already; --overwrite replaces it" in " ".join(again.stderr.split())
    assert minis("adjoint", "conv", "--out", picture, "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["convolve"], "no preset 'convolve'; there are conv, conv_transpose"),
        (["conv", "--set", "strid=2"], "conv has no option 'strid'; it has side"),
        (["conv", "--set", "stride"], "--set must be NAME=VALUE, such as stride=2, got 'stride'"),
        (["conv", "--set", "stride=0"], "conv: stride must be"),
        (["interpolate", "--set", "mode=cubic"], "mode must be"),
    ],
)
def test_mistakes_of_adjoint(arguments, message):
    """Named in a line."""
    done = minis("adjoint", *arguments, columns=200)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["compare", "adjoint"])
def test_help_has_an_example(command):
    """To copy."""
    assert f"Example: minis {command}" in minis(command, "--help").stdout
