"""A whole run on an imagined GPU: from the command to the files of results."""

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import comparison, machine, run, sides, suites, worker
from benchmarks.cases.convolutions import Convolution
from benchmarks.cases.pointwise import CrossEntropy, ReLU
from benchmarks.cases.pooling import MaxPooling
from benchmarks.cases.regions import RoIAlign
from benchmarks.networks import SemanticNetwork
from benchmarks.results import from_json

from ..fake_cupy.transfers import TO_CPU, TO_GPU
from .imagined_gpu import imagined_gpu  # noqa: F401 - a fixture
from .in_process import InProcess
from .reports import report

CONV = Convolution("tiny-conv", "conv", x=(1, 3, 8, 8), w=(4, 3, 3, 3), padding=1)
OPERATIONS = (
    CONV,
    Convolution("tiny-conv-float32", "conv, float32", x=CONV.x, w=CONV.w, padding=1, exact=True),
    MaxPooling("tiny-pool", "max pool", x=(1, 2, 8, 8)),
    RoIAlign("tiny-roi", "RoIAlign", x=(1, 2, 8, 8), boxes=5),
    CrossEntropy("tiny-loss", "loss", x=(2, 3, 4, 4)),
    ReLU("tiny-relu", "ReLU", x=(2, 3, 8, 8)),
)
NETWORK = SemanticNetwork(
    "tiny-unet",
    "U-Net",
    ours="minis.models.unet:UNet",
    theirs="tests.reference.unet:TorchUNet",
    options={"in_channels": 1, "num_classes": 2, "width": 2, "levels": 2, "padded": True,
             "batch_norm": True},
    x=(1, 1, 16, 16),
    y=(16, 16),
)  # fmt: skip
ENVIRONMENT = {"COLUMNS": "200", "NO_COLOR": "1"}


@pytest.fixture
def small_suites(monkeypatch):
    """Small tasks, and sides that answer in this process."""
    for suite, tasks in (("ops", OPERATIONS), ("models", (NETWORK,))):
        monkeypatch.setitem(suites.SUITES_ON_GPU, suite, tasks)
    monkeypatch.setattr(run, "Side", InProcess)
    monkeypatch.setattr(comparison, "PAUSE", 0)
    monkeypatch.setattr(run.device, "driver", lambda: {"driver": "570.86.15"})
    monkeypatch.setattr(worker, "TURN", 1e-4)
    monkeypatch.setattr(worker, "WAKE", 1e-4)
    monkeypatch.setattr(worker.gc, "collect", lambda: 0)  # takes long in this large process


def invoke(*arguments):
    """Run the command in this process."""
    done = CliRunner().invoke(command.app, [*arguments, "--device", "cuda"], env=ENVIRONMENT)
    text = done.stdout + (done.stderr if done.exit_code else "")
    return done.exit_code, " ".join(text.replace("│", " ").split())


@pytest.mark.usefixtures("small_suites")
def test_operations_and_networks(imagined_gpu, tmp_path):  # noqa: F811
    """Both sides are checked, timed, and written down with the GPU's name."""
    status, text = invoke("ops", "models", "--pairs", "2", "--with-cpu", "--out", str(tmp_path))
    assert status == 0, text
    for suite in ("ops", "models"):
        found = from_json((tmp_path / f"{suite}.json").read_text(encoding="utf-8"))
        assert found.device == "cuda"
        assert (found.ours, found.theirs) == (["cupy"], ["torch-cuda"])
        assert machine.slug(found.machine) == "imagined-gpu-9000"
        for key in ("driver", "CUDA of CuPy", "CUDA of PyTorch", "processor"):
            assert key in found.machine
        assert found.peaks.tf32 > 0
        for line in found.rows:
            for name in ("cupy", "torch-cuda", "numba"):
                one = line.sides[name]
                assert not one.problem, (line.key, name)
                assert len(one.turns) == 2
                assert [len(turn) for turn in one.host] == [
                    len(turn) for turn in one.turns if name != "numba"
                ]
            assert line.precision == (
                "tf32" if line.key in ("tiny-conv", "tiny-unet") else "float32"
            )
        shown = (tmp_path / f"{suite}.md").read_text(encoding="utf-8")
        assert "CPU: the numba backend on the GPU's host" in shown
        assert "GFLOP/s (in TF32)" in shown
        assert (tmp_path / f"{suite}-cupy-torch-cuda.svg").exists()
    assert {row.key for row in found.rows} == {"tiny-unet"}
    assert set(imagined_gpu.freed) == {"CuPy"}
    # peaks in float32; operations; then each pass of the network is checked before it is timed
    assert imagined_gpu.precisions[-6:-2] == ["float32", "tf32", "float32", "tf32"]


@pytest.mark.usefixtures("imagined_gpu", "small_suites")
def test_limits_follow_the_precision(tmp_path):
    """TF32's for the row that may take it, float32's for the rest."""
    keys = ("tiny-conv", "tiny-conv-float32", "tiny-relu")
    cases = [argument for key in keys for argument in ("--case", key)]
    status, text = invoke("ops", "--quick", *cases, "--pairs", "1", "--out", str(tmp_path))
    assert status == 0, text
    found = from_json((tmp_path / "ops.json").read_text(encoding="utf-8"))
    assert {line.key: line.limit for line in found.rows} == {
        "tiny-conv": 2e-3,
        "tiny-conv-float32": 5e-5,
        "tiny-relu": 5e-5,
    }


@pytest.mark.usefixtures("small_suites")
@pytest.mark.parametrize("task", [*OPERATIONS, NETWORK], ids=lambda task: task.key)
def test_nothing_is_copied_while_the_clock_runs(imagined_gpu, task, tmp_path):  # noqa: F811
    """What minis copies is its own affair; inputs and gradients lie on the GPU beforehand."""
    for pass_ in task.passes:
        side = InProcess("cupy")
        prepared = side.context.run(task.prepare, "cupy", pass_, np.float32, tmp_path)
        imagined_gpu.transfers.clear()
        side.context.run(prepared.run)
        askers = imagined_gpu.transfers.by_asker(TO_GPU, TO_CPU)
        assert not [who for who in askers if who.startswith("test_cuda_run.")]


@pytest.mark.usefixtures("small_suites")
def test_without_a_gpu_one_line_says_what_is_missing(monkeypatch):
    """Whatever the backend; and an imitation is not timed."""
    monkeypatch.setattr(command, "imitated", lambda name: False)
    monkeypatch.setattr(command, "unavailable", lambda name: f"no {name} here: install it")
    for arguments in (["ops"], ["models", "--backend", "numba-cuda"]):
        status, text = invoke(*arguments)
        assert status == 2
        assert "--device cuda: no cupy here: install it" in text
    monkeypatch.setattr(command, "unavailable", lambda name: None)
    monkeypatch.setattr(command, "imitated", lambda name: name == "numba-cuda")
    status, text = invoke("ops", "--backend", "numba-cuda")
    assert status == 2
    assert "NUMBA_ENABLE_CUDASIM=1 has it imitated on the CPU" in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["memory"], "no suite 'memory' on a GPU; there are ops, models"),
        (["ops", "--backend", "numba"], "no backend 'numba' on a GPU; there are cupy, numba-cuda"),
        (["ops", "--case", "nothing"], "no case 'nothing'; there are conv3x3-64"),
    ],
)
def test_wrong_arguments(arguments, text):
    """A line that says what there is."""
    status, said = invoke(*arguments)
    assert status == 2
    assert text in said


def test_with_cpu_is_for_a_gpu():
    """On the CPU it means nothing."""
    done = CliRunner().invoke(command.app, ["ops", "--with-cpu"], env=ENVIRONMENT)
    assert done.exit_code == 2
    assert "--with-cpu goes with --device cuda" in done.stderr


def test_what_pytorch_needs_on_a_gpu(monkeypatch):
    """A build for CUDA, and a GPU; engines are for the CPU."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert sides.missing_on_gpu("torch") == f"PyTorch {torch.__version__} finds no CUDA GPU"
    assert sides.missing_on_gpu("openvino") == "it is compared on the CPU only"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert sides.missing_on_gpu("torch") is None
    monkeypatch.setattr(sides, "missing", lambda name: "not installed")
    assert sides.missing_on_gpu("torch") == "not installed"


def test_a_gpu_that_can_not_be_described_ends_the_run(monkeypatch):
    """With the reason."""
    found = report()
    found.ours = ["cupy"]
    sides = {name: InProcess(name) for name in ("cupy", "torch-cuda")}
    monkeypatch.setattr(InProcess, "ask", lambda self, request: {"problem": "no driver"})
    with pytest.raises(ValueError, match="the GPU can't be described: no driver"):
        run._go_to_gpu(found, sides)
