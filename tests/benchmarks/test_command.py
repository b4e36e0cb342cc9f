"""The command from the outside."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import sides
from benchmarks.memory import measure, peak, reset_peak, resident, unavailable
from benchmarks.results import from_json
from benchmarks.sides import Side, missing
from benchmarks.suites import find_task

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "benchmarks"]


def call(*arguments, **environment):
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **environment},
        timeout=100,
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["speed"], "no suite 'speed'; there are ops, models, memory, ladder, startup"),
        (["ops", "--case", "unet"], "no case 'unet'; there are conv3x3-64,"),
        (["ops", "--backend", "cupy"], "no backend 'cupy'; there are numpy, numba"),
        (["ops", "--against", "jax"], "no --against 'jax'; there are torch,"),
        (["ops", "--pairs", "0"], "Invalid value for '--pairs'"),
        ([], "Missing argument"),
    ],
)
def test_wrong_arguments(arguments, text):
    """A line that says what there is, and status 2."""
    done = CliRunner().invoke(command.app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert done.exit_code == 2
    assert text in " ".join(done.stderr.replace("│", " ").split())


def test_cases_are_listed():
    """By suite, with the name to give."""
    done = CliRunner().invoke(command.app, ["ops", "ladder", "--case", "list"])
    assert done.exit_code == 0
    assert "ops  relu " in done.stdout
    assert "ladder  ladder-conv " in done.stdout


def test_quick_run_of_one_case(tmp_path):
    """From the peaks to the files, with PyTorch on the other side."""
    done = call(
        "ops", "--quick", "--case", "relu", "--pairs", "1", "--backend", "numpy",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ReLU, 8×64 at 128²") == 2
    assert "NumPy against PyTorch: geometric mean" in done.stdout
    report = from_json((tmp_path / "ops.json").read_text(encoding="utf-8"))
    assert [row.pass_ for row in report.rows] == ["forward", "backward"]
    for row in report.rows:
        assert all(len(side.turns) == 1 and side.error < 1e-6 for side in row.sides.values())
    assert report.peaks.gflops > 1
    assert report.settings["partial"]


def test_interrupted(tmp_path):
    """Status 130, a line, no file half-written and no process left."""
    process = subprocess.Popen(
        [*COMMAND, "ops", "--case", "relu", "--backend", "numpy", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    assert process.stdout.readline()  # a blank one before the suite's name
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped; what was written before is whole" in errors
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_missing_packages_are_named(monkeypatch):
    """With what to install."""
    monkeypatch.setattr(sides.importlib.util, "find_spec", lambda name: None)
    assert missing("torch") == "PyTorch is not installed: pip install -e '.[benchmarks]'"
    assert missing("openvino").startswith("OpenVINO is not installed")
    assert missing("numba") is None


def test_what_can_run_without_them_runs(monkeypatch):
    """And the line says what to install."""
    plans = []
    monkeypatch.setattr(command, "missing", lambda name: "not here" if name == "torch" else None)
    monkeypatch.setattr(command, "_run", lambda suite, plan, out: plans.append((suite, plan)))
    arguments = ["ops", "models", "--against", "torch", "--against", "openvino"]
    done = CliRunner().invoke(command.app, arguments)
    assert done.exit_code == 0
    assert [(suite, plan.theirs) for suite, plan in plans] == [
        ("ops", ["openvino"]),
        ("models", ["openvino"]),
    ]


def test_a_process_that_dies_is_a_problem_and_is_replaced():
    """The next request is answered by a new one."""
    request = {"do": "reference", "task": "no such", "pass": "forward", "files": "."}
    with Side("numpy", 1) as side:
        assert side.ask(request) == {"problem": "ValueError: no case 'no such'"}
        side._process.kill()
        assert side.ask(request) == {"problem": "the process of numpy ended with status -9"}
        assert side.ask(request) == {"problem": "ValueError: no case 'no such'"}


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
def test_peak_memory_is_seen(tmp_path):
    """64 MiB that were there for a moment; and a task's."""
    before = resident()
    reset_peak()
    block = bytearray(64 << 20)
    del block
    assert 60 << 20 < peak() - before < 80 << 20
    found = measure("numpy", find_task("relu"), "forward", tmp_path)
    assert found["peak"] > found["imported"] > 0
    assert found["peak"] - found["at_rest"] > 30 << 20  # the result's 32 MiB
