"""The `minis` command, run as a user runs it: in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minis.data import Cells, read_mask, write_image, write_mask
from minis.run_report import Result
from minis.training import read_metadata

COMMANDS = (
    "demo", "train", "predict", "evaluate", "stages", "plan", "profile", "warmup", "check",
    "compare", "adjoint", "doctor",
)  # fmt: skip


def minis(*arguments, cwd=None, timeout=300):
    """Run the command, and return what it printed and its status."""
    return subprocess.run(
        [sys.executable, "-c", "from minis.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=timeout,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    )


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """A folder of images and one of masks, of different sizes, as a user would bring them."""
    root = tmp_path_factory.mktemp("cells")
    (root / "images").mkdir()
    (root / "masks").mkdir()
    scenes = Cells(6, size=(72, 80), seed=3)
    for i in range(6):
        sample = scenes[i]
        keep = (slice(None), slice(0, 64 + i), slice(0, 80 - i))
        write_image(root / "images" / f"cell{i}.png", sample.image[keep])
        write_mask(root / "masks" / f"cell{i}.png", sample.labels[keep[1:]] * 255)
    return root


@pytest.fixture(scope="module")
def trained(cells):
    """A network trained for a few steps on that folder."""
    done = minis(
        "train", "unet", "--images", cells / "images", "--masks", cells / "masks",
        "--out", cells / "run", "--steps", 12, "--crop", 48, "--batch-size", 4,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "best mean IoU on held-out images: 0." in done.stdout
    result = Result.read(cells / "run")
    assert f"held out, after the last step: mean IoU {result.scores['mean_iou']:.3f}" in done.stdout
    assert f"the baseline: mean IoU {result.baseline['mean_iou']:.3f}" in done.stdout
    assert f"{result.parameters:,} parameters" in done.stdout
    assert "5 to train on, 1 held out; 2 classes: 0, 255" in done.stderr
    assert "unet, 12 steps of 4 crops of 48 × 48 pixels" in done.stderr
    return cells / "run" / "best.safetensors"


def test_predict_a_folder(cells, trained):
    """Every image gets a mask of its own size with known classes, and an overlay."""
    done = minis("predict", trained, cells / "images", "--out", cells / "out")
    assert done.returncode == 0, done.stderr
    assert "6 segmented" in done.stdout
    assert "in the masks 0 = 0, 255 = 255" in done.stdout
    for i in range(6):
        mask = read_mask(cells / "out" / f"cell{i}_mask.png")
        assert mask.shape == (64 + i, 80 - i)
        assert set(np.unique(mask)) <= {0, 255}  # the values of the user's masks
        with Image.open(cells / "out" / f"cell{i}_overlay.png") as overlay:
            assert overlay.size == (80 - i, 64 + i)


def test_predict_one_image(cells, trained):
    """A file in place of a folder; results are replaced only if told to."""
    done = minis("predict", trained, cells / "images" / "cell2.png", "--out", cells / "one")
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in (cells / "one").iterdir()) == [
        "cell2_mask.png",
        "cell2_overlay.png",
    ]
    again = ["predict", trained, cells / "images" / "cell2.png", "--out", cells / "one"]
    refused = minis(*again)
    assert refused.returncode == 2
    assert "cell2_mask.png is there already; --overwrite replaces it" in refused.stderr
    assert minis(*again, "--overwrite").returncode == 0


def test_evaluate(cells, trained):
    """Scores of the user's own images."""
    done = minis("evaluate", trained, "--images", cells / "images", "--masks", cells / "masks")
    assert done.returncode == 0, done.stderr
    assert "mean_iou" in done.stdout
    assert "pixel_accuracy" in done.stdout
    assert "IoU of 255" in done.stdout
    other = cells / "other"
    other.mkdir()
    for i in range(6):
        write_mask(other / f"cell{i}.png", read_mask(cells / "masks" / f"cell{i}.png") // 85)
    refused = minis("evaluate", trained, "--images", cells / "images", "--masks", other)
    assert refused.returncode == 2
    assert "cell0.png" in refused.stderr


def test_resume_goes_on_and_a_second_start_is_refused(cells, trained):
    """A run is not overwritten, and goes on only with the options that it was begun with."""
    arguments = [
        "train", "unet", "--images", cells / "images", "--masks", cells / "masks",
        "--out", cells / "run", "--steps", 12, "--crop", 48, "--batch-size", 4,
    ]  # fmt: skip
    before = (cells / "run" / "best.safetensors").read_bytes()
    refused = minis(*arguments)
    assert refused.returncode == 2
    assert "holds a run already" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (cells / "run" / "best.safetensors").read_bytes() == before
    assert minis(*arguments, "--resume").returncode == 0
    changed = minis(*arguments, "--resume", "--seed", 9, "--no-stretch")
    assert changed.returncode == 2
    assert "seed was 0, is 9; stretched was True, is False" in changed.stderr


@pytest.mark.parametrize("model", ["unet", "fcn", "segnet", "tiramisu"])
def test_train_on_generated_streets_with_void(model, tmp_path):
    """Seven classes, colour, and pixels that don't count; whatever the network."""
    done = minis("train", model, "--data", "streets", "--out", tmp_path, "--steps", 2)
    assert done.returncode == 0, done.stderr
    assert 0 < Result.read(tmp_path).scores["mean_iou"] < 0.9
    done = minis("evaluate", tmp_path / "last.safetensors", "--data", "streets")
    assert done.returncode == 0, done.stderr


def test_train_and_evaluate_on_volumes(tmp_path):
    """Three axes, a spacing that the checkpoint keeps."""
    options = ["--data", "ellipsoids", "--steps", 2, "--crop", 16]
    done = minis("train", "vnet", *options, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 crops of 16 × 16 × 16 pixels" in done.stderr
    assert read_metadata(tmp_path / "last.safetensors")["spacing"] == [2.5, 1.0, 1.0]
    flat = minis("evaluate", tmp_path / "last.safetensors", "--data", "cells")
    assert flat.returncode == 2
    assert "no data set 'cells' of volumes" in flat.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["train", "unet", "--data", "cats", "--out", "x"],
            "no data set 'cats' of flat images; there are nuclei",
        ),
        (["train", "vnet9", "--data", "cells", "--out", "x"], "no model 'vnet9'; there are unet"),
        (["train", "unet", "--masks", "m", "--out", "x"], "give either --data NAME, or both"),
        (["train", "unet", "--images", "i", "--out", "x"], "give either --data NAME, or both"),
        (["train", "unet", "--data", "brain", "--out", "x"], "no data set 'brain' of flat images"),
        (["train", "vnet", "--data", "cells", "--out", "x"], "no data set 'cells' of volumes"),
        (["train", "fcn", "--loss", "hinge", "--out", "x"], "no loss 'hinge'; there are cross"),
        (["predict", "none.safetensors", "a.png", "--out", "x"], "none.safetensors"),
        (["--backend", "abacus", "doctor"], "no backend 'abacus'; there are auto, numpy"),
        (["train", "unet", "--data", "cells", "--out", "x", "--steps", "0"], "--steps"),
        (["tarin"], "No such command 'tarin'"),
    ],
)
def test_mistakes_are_told_in_a_line(arguments, message, tmp_path):
    """Exit status 2, the reason on standard error, no traceback, nothing written."""
    done = minis(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_broken_files_are_named(cells, trained, tmp_path):
    """A cut-off image, a cut-off checkpoint, a picture in place of a checkpoint, wrong channels."""
    whole = trained.read_bytes()
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole[: len(whole) // 2])
    broken = tmp_path / "broken.png"
    broken.write_bytes((cells / "images" / "cell0.png").read_bytes()[:200])
    rgb = tmp_path / "rgb.png"
    write_image(rgb, np.zeros((3, 8, 8), np.float32))
    image = cells / "images" / "cell0.png"
    for arguments, words in [
        ((cut, image), ["cut.safetensors"]),
        ((image, image), ["cell0.png"]),
        ((trained, broken), ["broken.png", "cannot be read"]),
        ((trained, rgb), ["rgb.png", "3 channels", "trained on 1"]),
        ((trained, tmp_path / "no.png"), ["no.png", "no such file"]),
    ]:
        done = minis("predict", *arguments, "--out", tmp_path / "out")
        assert done.returncode == 2, arguments
        assert all(word in done.stderr for word in words), done.stderr
        assert "Traceback" not in done.stderr


def test_folders_that_would_mix_are_refused(cells, trained, tmp_path):
    """Results beside the images, a file in place of a folder, two images of one name."""
    images = tmp_path / "images"
    images.mkdir()
    write_image(images / "a.png", np.zeros((1, 20, 20), np.float32))
    write_image(images / "a.tif", np.zeros((1, 20, 20), np.float32))
    file = tmp_path / "file"
    file.write_text("")
    for source, out, words in [
        (images / "a.png", images, "the images are there"),
        (images / "a.png", file, "is a file, expected a folder"),
        (images, tmp_path / "out", "has the same name as a.png"),
    ]:
        done = minis("predict", trained, source, "--out", out)
        assert done.returncode == 2
        assert words in done.stderr
    assert sorted(p.name for p in images.iterdir()) == ["a.png", "a.tif"]


def test_images_too_small_to_train_on_are_named(tmp_path):
    """And so is a folder with a single image."""
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    write_image(tmp_path / "images" / "leaf.png", np.zeros((1, 3, 50), np.float32))
    write_mask(tmp_path / "masks" / "leaf.png", np.zeros((3, 50), np.uint8))
    arguments = [
        "train", "unet", "--images", tmp_path / "images", "--masks", tmp_path / "masks",
        "--out", tmp_path / "run", "--steps", 1,
    ]  # fmt: skip
    assert "at least two images are needed" in minis(*arguments).stderr
    write_image(tmp_path / "images" / "tree.png", np.zeros((1, 2, 60), np.float32))
    write_mask(tmp_path / "masks" / "tree.png", np.ones((2, 60), np.uint8))
    done = minis(*arguments)
    assert done.returncode == 2
    assert "at least 16 a side are needed" in done.stderr
    assert not (tmp_path / "run").exists()


def test_ctrl_c_keeps_the_run(tmp_path):
    """Status 130, the checkpoint is there, and --resume goes on."""
    arguments = ["train", "unet", "--data", "cells", "--out", tmp_path, "--steps", 400]
    command = [sys.executable, "-m", "minis", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while "loss" not in process.stderr.readline():  # the first line of progress
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "--resume goes on from" in told
    assert (tmp_path / "last.safetensors").exists()


def test_doctor():
    """What is there is OK; the GPU's remedies are whole."""
    done = minis("doctor")
    assert done.returncode == 0, done.stderr
    assert "backend numpy" in done.stdout
    assert "numba" in done.stdout
    assert "minis[cuda]" in done.stdout or "cupy" in done.stdout


def test_every_command_has_an_example():
    """Help texts end with a command to copy."""
    for command in COMMANDS:
        done = minis(command, "--help")
        assert done.returncode == 0
        assert f"Example: minis {command}" in done.stdout


def test_demo_short(tmp_path):
    """A few steps: the table with both rows, and a picture that opens."""
    pytest.importorskip("tifffile", reason="the nuclei need minis[demo]")
    picture = tmp_path / "demo.png"
    done = minis("demo", "--steps", 4, "--picture", picture)
    assert done.returncode == 0, done.stderr
    assert "Otsu's threshold" in done.stdout
    assert "0.783" in done.stdout
    with Image.open(picture) as image:
        assert min(image.size) > 500
    assert [p.name for p in Path(tmp_path).iterdir()] == ["demo.png"]
