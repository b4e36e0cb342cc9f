"""The option --device, on an imagined GPU: training, prediction and scores are those of the CPU.

On it the NumPy text computes the same bits, so what is written can be compared exactly.
"""

import json
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

import minis
from minis import nn
from minis.cli import app
from minis.data import Cells, read_mask, write_image, write_mask
from minis.models import UNet
from minis.run_report import Result
from minis.training import Adam, fit
from minis.training.device import choose_device, to_device_of
from minis.training.losses import softmax_cross_entropy
from minis.training.tensor_file import read_tensors

from .. import fake_cupy
from ..fake_cupy.transfers import TO_GPU


def command(device, *arguments):
    """Run a command in this process, with an imagined GPU if the device is one, which it uses."""
    fake_cupy.transfers.clear()
    if device == "cpu":
        with minis.use("numpy"):
            done = CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"])
    else:
        with fake_cupy.installed(), minis.use("numpy"):
            done = CliRunner().invoke(app, [*map(str, arguments), "--device", device])
    if done.exception:
        raise done.exception
    assert (fake_cupy.transfers.by_asker(TO_GPU)["device._moved"] > 0) == (device != "cpu")
    return done.output


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Six images, their masks of classes, and their masks that number the cells."""
    root = tmp_path_factory.mktemp("cells")
    for folder in ("images", "masks", "numbers"):
        (root / folder).mkdir()
    scenes = Cells(6, size=(48, 56), seed=3)
    for i in range(6):
        sample = scenes[i]
        write_image(root / "images" / f"{i}.png", sample.image)
        write_mask(root / "masks" / f"{i}.png", sample.labels * 255)
        write_mask(root / "numbers" / f"{i}.png", sample.instances)
    return root


@pytest.fixture(scope="module")
def runs(cells, tmp_path_factory):
    """The same training on both devices."""
    root = tmp_path_factory.mktemp("runs")
    told = {}
    for device in ("cpu", "cuda"):
        told[device] = command(
            device, "train", "unet", "--images", cells / "images", "--masks", cells / "masks",
            "--out", root / device, "--steps", 4, "--crop", 32, "--batch-size", 2,
        )  # fmt: skip
    return root, told


def test_training_says_where_it_computes(runs):
    """Before, and in its result."""
    root, told = runs
    here, there = (" ".join(told[device].split()) for device in ("cpu", "cuda"))
    assert "pixels; backend numpy " in here
    assert "; backend the NumPy text, by CuPy, on an imagined GPU " in there
    assert "minutes on an imagined GPU " in there
    assert Result.read(root / "cpu").gpu is None
    assert Result.read(root / "cuda").gpu == "an imagined GPU"


def test_checkpoints_are_the_same(runs):
    """Nothing of the device is in them."""
    root, _ = runs
    for name in ("last.safetensors", "best.safetensors"):
        (here, record), (there, same) = (read_tensors(root / d / name) for d in ("cpu", "cuda"))
        assert record["generators"] == same["generators"]
        assert list(here) == list(there)
        for key, array in here.items():
            np.testing.assert_array_equal(there[key], array, err_msg=key)


def test_prediction_is_the_same(runs, cells, tmp_path):
    """Either file, on either device; large images go in tiles."""
    root, _ = runs
    for weights, device in (("cpu", "cpu"), ("cpu", "cuda"), ("cuda", "cpu"), ("cuda", "auto")):
        out = tmp_path / weights / device
        command(
            device, "predict", root / weights / "best.safetensors", cells / "images", "--out", out
        )
        for i in range(6):
            first = tmp_path / "cpu" / "cpu" / f"{i}_mask.png"
            np.testing.assert_array_equal(read_mask(out / f"{i}_mask.png"), read_mask(first))


def test_large_images_and_volumes_are_cut_there(imagined_gpu, monkeypatch):
    """Of each tile only the classes come back."""
    from minis import prediction
    from minis.models import build

    monkeypatch.setattr(prediction, "TILE", 64)
    monkeypatch.setattr(prediction, "MARGIN", 16)
    rng = np.random.default_rng(0)
    for name, shape in (("unet", (1, 80, 48)), ("vnet", (1, 144, 16, 16))):
        model = build(name=name, in_channels=1, num_classes=3, rng=rng).eval()
        image = rng.random(shape, dtype=np.float32)
        trained = prediction.Trained(model, ("a", "b", "c"), (0, 1, 2), False, 1)
        expected = trained.predict(image)
        model.to("cuda")
        imagined_gpu.clear()
        np.testing.assert_array_equal(trained.predict(image), expected)
        back = [t for t in imagined_gpu if t.kind == "to the CPU"]
        assert {t.where for t in back} <= {"prediction_volume.best_classes", "checks.check_indices"}
        tiles = [t.nbytes for t in back if t.where == "prediction_volume.best_classes"]
        assert len(tiles) > 1
        assert set(tiles) == {8 * (64 * 64 if name == "unet" else 112 * 16 * 16)}  # no logits


def test_scores_are_the_same(runs, cells):
    """Of pixels and of objects."""
    root, _ = runs
    weights = root / "cpu" / "best.safetensors"
    for options in (("--masks", cells / "masks"), ("--masks", cells / "numbers", "--objects")):
        arguments = ("evaluate", weights, "--images", cells / "images", *options)
        assert command("cpu", *arguments) == command("cuda", *arguments)


def test_mask_rcnn(cells, tmp_path):
    """Training, prediction and scores of a detector."""
    for folder in ("images", "numbers"):
        (tmp_path / folder).mkdir()
        for i in range(2):
            shutil.copy(cells / folder / f"{i}.png", tmp_path / folder)
    own = ("--images", tmp_path / "images", "--masks", tmp_path / "numbers")
    found = {}
    for device in ("cpu", "cuda"):
        out = tmp_path / device
        command(
            device, "train", "mask-rcnn", *own, "--out", out, "--steps", 2, "--min-size", 32,
            "--batch-size", 1,
        )  # fmt: skip
        weights = out / "last.safetensors"
        command(
            device, "predict", weights, cells / "images" / "0.png", "--out", out, "--score", 0,
        )  # fmt: skip
        scores = command(device, "evaluate", weights, *own)
        listed = json.loads((out / "0_objects.json").read_text())["annotations"]
        found[device] = (listed, scores, read_tensors(weights)[0])
    (listed, scores, state), (others, same, there) = found["cpu"], found["cuda"]
    assert listed == others
    assert listed
    assert scores == same
    for key, array in state.items():
        np.testing.assert_array_equal(there[key], array, err_msg=key)


@pytest.mark.parametrize(("first", "then"), [("cpu", "cuda"), ("cuda", "cpu")])
def test_a_run_goes_on_on_the_other_device(first, then, tmp_path, imagined_gpu):
    """Bit for bit as if it had never stopped, dropout included."""

    def go_on(device, steps, directory):
        rng = np.random.default_rng(0)
        model = UNet.mini(in_channels=1, num_classes=2, rng=rng).to(device)

        def batches(rng):
            x = rng.random((2, 1, 16, 16), dtype=np.float32)
            return x, (x[:, 0] > 0.5).astype(np.int64)

        fit(
            model,
            batches,
            loss=softmax_cross_entropy,
            optimiser=Adam(model.named_parameters(), 1e-3),
            rng=rng,
            steps=steps,
            directory=directory,
            resume=True,
            show_progress=False,
        )
        return read_tensors(directory / "last.safetensors")[0]

    go_on(first, 2, tmp_path / "parts")
    parts = go_on(then, 4, tmp_path / "parts")
    for key, array in go_on("cpu", 4, tmp_path / "whole").items():
        np.testing.assert_array_equal(parts[key], array, err_msg=key)


def test_an_optimiser_follows_its_model(imagined_gpu):
    """And states go from one device to the other."""
    rng = np.random.default_rng(0)
    models = [nn.Sequential(nn.Linear(3, 2, rng=np.random.default_rng(0))) for _ in range(3)]
    adams = [Adam(model.named_parameters(), 0.1) for model in models]
    for step in range(2):
        gradients = [rng.standard_normal(p.data.shape) for p in models[0].parameters()]
        for model, adam in zip(models[:2], adams[:2], strict=True):
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter.grad[...] = to_device_of(model, gradient)
            adam.step()
        if step == 0:
            models[1].to("cuda")
    models[2].load_state_dict(models[1].state_dict())
    adams[2].load_state_dict(adams[1].state_dict())
    for a, b in zip(models[0].parameters(), models[2].parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)
    for name, array in adams[0].state_dict()["memory"].items():
        np.testing.assert_array_equal(array, adams[2].state_dict()["memory"][name])


def test_the_choice(imagined_gpu, monkeypatch):
    """auto is the GPU where there is one."""
    assert [choose_device(name) for name in ("cpu", "cuda", "auto")] == ["cpu", "cuda", "cuda"]
    with pytest.raises(ValueError, match="no device 'tpu'; there are cpu, cuda, auto"):
        choose_device("tpu")


def test_no_gpu_is_told_before_anything_is_read(cells, tmp_path):
    """The run doesn't begin."""
    from minis import backend, gpu

    if gpu.look().devices:
        pytest.skip("there is a GPU here")
    backend._problem.cache_clear()
    for arguments in (
        ("train", "unet", "--out", tmp_path / "run"),
        ("predict", tmp_path / "no.safetensors", cells / "images", "--out", tmp_path / "out"),
    ):
        done = CliRunner().invoke(app, [*map(str, arguments), "--device", "cuda"])
        assert isinstance(done.exception, minis.BackendUnavailableError)
        assert "device cuda: no NVIDIA driver" in str(done.exception)
    assert not (tmp_path / "run").exists()
