"""`minis profile`, run as a user runs it: in a process of its own."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from minis.models import UNet


def command(*arguments, columns=100, cwd=None):
    """Run `minis profile` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "minis", "profile", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"},
    )


def test_command(tmp_path):
    """The table on standard output, and everything in the file."""
    file = tmp_path / "profile.json"
    done = command(
        "unet", "--input", "2,3,40,48", "--backend", "numpy", "--float64", "--repeat", 2,
        "--threads", 1, "--sort", "time", "--json", file,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "unet mini on 2×3×40×48 float64, training, backend numpy, 1 thread," in done.stdout
    assert re.search(r"NumPy's arrays took [\d.]+ MB at most", done.stdout)
    assert "numpy text" in done.stdout
    assert "the first run" in done.stderr
    saved = json.loads(file.read_text())
    assert saved["input"] == [2, 3, 40, 48]
    assert saved["threads"] == 1
    rows = {row["name"]: row for row in saved["rows"]}
    assert rows["down.0.0"]["shapes"] == [[2, 8, 40, 48]]
    assert rows["down.0.0"]["forward"]["flops"] == 2 * 27 * 2 * 8 * 40 * 48
    assert rows["down.0.0"]["forward"]["bytes"] == 8 * (2 * 40 * 48 * (3 + 8) + 216)
    whole = sum(row[p]["seconds"] for row in rows.values() for p in ("forward", "backward"))
    between = sum(saved["between"][p]["seconds"] for p in ("forward", "backward"))
    total = sum(saved["total"][p]["seconds"] for p in ("forward", "backward"))
    assert whole + between == pytest.approx(total)
    assert saved["peak_bytes"] > 8 * 2 * 40 * 48 * 8


def test_command_on_a_trained_network(tmp_path):
    """A file in place of a name; --inference leaves backward out."""
    from minis.training import save_weights

    model = UNet.mini(in_channels=2, rng=np.random.default_rng(0))
    file = tmp_path / "best.safetensors"
    save_weights(
        model,
        file,
        metadata={
            "model": {"name": "unet", "in_channels": 2, "num_classes": 2},
            "classes": ["a", "b"],
            "mask_values": [0, 1],
            "settings": {"stretched": False},
        },
    )
    done = command(file, "--inference", "--input", "1,2,32,32", "--backend", "numpy", columns=120)
    assert done.returncode == 0, done.stderr
    assert "inference" in done.stdout
    assert "backward" not in done.stdout
    assert "down.0.0" in done.stdout
    refused = command(file, "--input", "1,3,32,32")
    assert refused.returncode == 2
    assert "UNet: x must have 2 channels, got 3" in refused.stderr
    assert command(file, "--variant", "mini").returncode == 2


@pytest.mark.parametrize("mode", ["training", "inference"])
def test_command_on_a_detector(mode, tmp_path):
    """It gets images with objects: the mask branch has something to do, forward and backward."""
    file = tmp_path / "profile.json"
    options = ["--inference"] if mode == "inference" else []
    done = command(
        "mask-rcnn", "--input", "2,3,64,80", "--repeat", 1, "--json", file, *options, columns=150
    )
    assert done.returncode == 0, done.stderr
    assert (
        f"mask-rcnn mini on 2×3×64×80 float32, 4 objects in each image, {mode}, backend"
        in done.stdout
    )
    rows = {row["name"]: row for row in json.loads(file.read_text())["rows"]}
    for name in ("backbone.body.conv1", "rpn.head.cls_logits", "roi_heads.mask_head.0.0"):
        assert rows[name]["forward"]["flops"] > 0
        assert (rows[name]["backward"]["flops"] > 0) == (mode == "training")
    assert rows["rpn.head.conv.0.0"]["forward"]["calls"] == 5
    ((objects, *grid),) = rows["roi_heads.mask_pool"]["shapes"]
    assert objects >= (8 if mode == "training" else 1)  # each true box is one that is looked at
    assert grid == [32, 14, 14]
    assert ("paste_masks" in rows) == (mode == "inference")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vnet9"], "no model and no file 'vnet9'; models: unet"),
        (["unet", "--variant", "huge"], "no variant 'huge' of unet; there are mini, paper"),
        (["unet", "--input", "1,3"], "--input must be positive numbers N,C and one to three"),
        (["unet", "--input", "1,0,8,8"], "--input must be positive numbers"),
        (["unet", "--input", "1,1,8"], "UNet: x must have shape (N, C, H, W)"),
        (["mask-rcnn", "--input", "1,1,8"], "a detector is for images: a shape (N, C, H, W)"),
        (["unet", "--variant", "paper", "--input", "1,1,99,99"], "image's side of 99 doesn't fit"),
        (["unet", "--backend", "abacus"], "no backend 'abacus'; there are auto, numpy"),
        (["unet", "--sort", "size"], "sort must be network or time, got 'size'"),
        (["unet", "--by", "kernel"], "by must be layer or operation, got 'kernel'"),
        (["unet", "--json", "none/a.json"], "none: no such folder"),
        (["unet", "--repeat", "0"], "--repeat"),
        (["picture.png"], "picture.png"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, tmp_path):
    """Exit status 2, the reason on standard error, no traceback."""
    (tmp_path / "picture.png").write_bytes(b"not a network")
    done = command(*arguments, columns=200, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help_has_an_example():
    """To copy."""
    assert "Example: minis profile unet" in command("--help").stdout
