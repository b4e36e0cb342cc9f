"""Warming up: kernels are compiled once, for every later process."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import minis
from minis import nn
from minis.learn.scene import scene
from minis.models import DETECTORS, MODELS
from minis.observer import observer
from minis.warmup import check_networks, network, warm_up
from minis.warmup_bar import bar

pytest.importorskip("numba", reason="Numba is not installed")


def run(*command, **environment):
    """Run Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **environment},
    )


def command(*arguments, **environment):
    """Run `minis warmup`."""
    code = "from minis.cli import main; main()"
    return run("-c", code, "warmup", *arguments, **environment)


def small_network():
    """A network with weights, statistics, and a random generator."""
    rng = np.random.default_rng(0)
    conv, head = (nn.Conv2d(1, c, 1, bias=False, rng=rng) for c in (1, 2))
    return nn.Sequential(conv, nn.BatchNorm(1), nn.Dropout(0.5, rng=rng), head)


def test_a_second_run_compiles_nothing():
    """The first leaves everything in the cache; forward, backward, and both dtypes."""
    assert command("unet", "--float64").returncode == 0
    second = command("unet", "--float64")
    assert second.returncode == 0
    assert re.search(r"kernels: 0 compiled, [1-9]\d* cached, in \d+\.\d s", second.stdout)
    for operation in ("conv", "conv_backward"):
        assert re.search(rf"│ {operation} +│ +0 │ +[1-9]\d* │", second.stdout), second.stdout


def test_counting(tmp_path):
    """A kernel counts once, whatever it calls, and is read from the disk the next time."""
    (tmp_path / "kernels_here.py").write_text(
        "from minis_kernels.numba_cpu.jit import jit\n"
        "@jit()\ndef one(x): return x + 1\n"
        "@jit()\ndef two(x): return one(x) + one(x)\n"
        "@jit()\ndef three(x): return one(x) + two(x)\n"
    )
    code = (
        "from minis_kernels.numba_cpu.compilations import counted\n"
        "from kernels_here import three, two\n"
        "with counted() as a: three(1)\n"
        "with counted() as b: three(1.0); two(2)\n"
        "with counted() as c: three(1)\n"
        "print(a.compiled, a.loaded, b.compiled, b.loaded, c.compiled, c.loaded)"
    )
    where = {"PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    told = [run("-c", code, **where).stdout.split() for _ in range(2)]
    assert told[0] == ["1", "0", "1", "0", "0", "0"]  # `two` was compiled for `three`
    assert told[1] == ["0", "1", "0", "2", "0", "0"]


def test_no_folder_can_be_written():
    """Then it is said that nothing is kept; it is no error."""
    code = (
        "from pathlib import Path\n"
        "def refuse(*_): raise PermissionError('read-only')\n"
        "Path.touch = refuse\n"
        "from minis import warmup, nn\n"
        "from minis.commands import looking\n"
        "warmup.network = lambda *_: (nn.ReLU(), (1, 2, 4, 4))\n"
        "looking.warmup(['unet'], 'mini', False)\n"
        "from minis_kernels.numba_cpu import jit\n"
        "jit.jit()(lambda x: x)(1)\n"
        "print(warmup.cache_is_kept())"
    )
    done = run("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "False"


def test_the_network_is_left_as_it_was():
    """Weights, statistics, mode and random numbers; and nobody goes on looking."""
    model = small_network()
    before = {name: np.array(a) for name, a in model.state_dict().items()}
    state = [m.rng.bit_generator.state for _, m in model.modules() if hasattr(m, "rng")]
    found = warm_up(model, (2, 1, 5, 5), dtypes=("float32", "float64"))
    assert {"conv", "conv_backward", "batch_norm", "Adam", "SGD"} <= {w.operation for w in found}
    after = model.state_dict()
    for name, a in before.items():
        assert np.array_equal(after[name], a, equal_nan=True)
        assert after[name].dtype == a.dtype
    assert model.training
    assert state == [m.rng.bit_generator.state for _, m in model.modules() if hasattr(m, "rng")]
    assert observer.get() is None


def test_what_is_told():
    """The share grows up to the end, and the operations that come are named."""
    told = []
    warm_up(small_network(), (2, 1, 5, 5), tell=lambda share, name, _: told.append((share, name)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] <= 1
    names = [name for _, name in told]
    assert names.index("conv") < names.index("cross_entropy") < names.index("conv_backward")


def test_the_callers_backend_stays():
    """Warming up is for Numba, whatever is in use."""
    with minis.use("numpy"):
        warm_up(nn.ReLU(), (1, 2, 4, 4))
        assert minis.active_backend() == "numpy"


def test_the_bar_names_the_operation():
    """And how many kernels were compiled and loaded."""
    from io import StringIO

    from rich.console import Console

    text = StringIO()
    with bar(Console(file=text, force_terminal=True, width=120), "unet mini") as tell:
        tell(0.5, "conv_backward", [])
    assert "unet mini" in text.getvalue()
    assert "conv_backward" in text.getvalue()
    assert "0 compiled, 0 cached" in text.getvalue()


def test_errors():
    """Each is one line that says what to do."""
    assert "no model 'nosuch'; there are unet" in command("unet", "nosuch").stderr
    assert "no variant 'tiny' of unet" in command("unet", "--variant", "tiny").stderr
    with pytest.raises(ValueError, match="no model 'nosuch'"):
        check_networks(["unet", "nosuch"])


def test_without_numba():
    """It is said what to install."""
    code = (
        "import importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'numba' else find(name, *a)\n"
        "from minis.cli import main\n"
        "main()"
    )
    done = run("-c", code, "warmup", "unet")
    assert done.returncode == 2
    assert "no kernels to compile: Numba is not installed: pip install numba" in done.stderr


@pytest.mark.parametrize("name", MODELS)
def test_every_network_takes_its_shape(name):
    """The mini network maps images of the shape that it is warmed up on."""
    model, shape = network(name)
    model.eval()
    if name in DETECTORS:
        (found,) = model([np.zeros(shape[1:], np.float32)])
        assert found["masks"].shape[1:] == (1, *shape[2:])
    else:
        assert model(np.zeros((1, *shape[1:]), np.float32)).shape[:2] == (1, 2)


def test_a_detector_is_trained_on_objects_and_finds_some():
    """So that the operations on boxes and masks run too, forward and backward, on some each."""
    model, _ = network("mask-rcnn")
    model.roi_heads.selection["score_threshold"] = 1.0  # of its own it would find nothing
    found = {w.operation for w in warm_up(model, (2, 1, 64, 80))}
    box_branch = {"roi_align", "roi_align_backward", "cross_entropy_backward", "batched_nms"}
    mask_branch = {"conv_transpose_backward", "bce_with_logits_backward", "paste_masks"}
    assert box_branch | mask_branch | {"Adam", "SGD", "match_anchors"} <= found
    assert model.roi_heads.selection["score_threshold"] == 1.0
    assert model.training
    second = warm_up(model, (2, 1, 64, 80))
    assert sum(w.compiled for w in second) == 0


def test_what_a_detector_is_run_on():
    """Each object's mask fills its box, whatever the size; more classes are all there."""
    for shape in ((2, 3, 64, 80), (1, 1, 5, 3), (1, 1, 1, 1)):
        images, targets = scene(shape, 3, np.float64)
        assert [image.shape for image in images] == [shape[1:]] * shape[0]
        assert images[0].dtype == targets[0]["boxes"].dtype == np.float64
        for target in targets:
            assert target["labels"].tolist() == [1, 2, 1, 2]
            for (x1, y1, x2, y2), mask in zip(target["boxes"], target["masks"], strict=True):
                rows, columns = np.nonzero(mask)
                assert rows.min() <= y1 < y2 <= rows.max() + 1
                assert columns.min() <= x1 < x2 <= columns.max() + 1
    with pytest.raises(ValueError, match=r"a shape \(N, C, H, W\), got \(1, 1, 8\)"):
        scene((1, 1, 8), 2)
