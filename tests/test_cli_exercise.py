"""`minis exercise` from the command line, as a new learner meets it."""

import json

import pytest
from typer.testing import CliRunner

from minis.cli import app
from minis.learn.exercises.ladder import find

WRONG = (
    "    known = np.minimum(mask, classes - 1)\n"
    "    return (known == np.arange(classes)[:, None, None]).astype(np.float64)"
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def made(*arguments):
        done = CliRunner().invoke(app, ["exercise", *arguments])
        return done, " ".join(done.output.split())

    return made


def write(folder, name, body):
    """Write a body in place of what the stub raises."""
    file = folder / find(name).file
    kept = [line for line in file.read_text().splitlines() if "your turn" not in line]
    text = "\n".join(kept).replace("    raise NotImplementedError", body)
    file.write_text(text + "\n")


def test_the_first_exercise_is_started_failed_understood_and_solved(run, tmp_path) -> None:
    done, text = run("start")
    assert done.exit_code == 0
    assert "minis exercise check" in text
    assert (tmp_path / "one_hot.py").exists()

    done, text = run("check")
    assert done.exit_code == 1
    assert "still `raise NotImplementedError`" in text

    write(tmp_path, "one-hot", WRONG)
    done, text = run("check")
    assert done.exit_code == 1
    assert "Takes void pixels for the last class." in text
    assert "one_hot(" in text

    done, text = run("hint")
    assert find("one-hot").hints[0][:40] in text
    assert "Hints left: 1" in text

    (tmp_path / "one_hot.py").write_text(find("one-hot").solution)
    done, text = run("check")
    assert done.exit_code == 0, done.output
    assert "minis exercise start mean-iou" in text

    done, text = run("list")
    assert "solved, 3 checks, 1 hint" in text
    assert "1 of" in text


def test_nothing_is_overwritten(run, tmp_path) -> None:
    run("start", "nms")
    (tmp_path / "nms.py").write_text("mine")
    done, _ = run("start", "nms")
    assert isinstance(done.exception, ValueError)
    assert "is left as it is" in str(done.exception)
    assert (tmp_path / "nms.py").read_text() == "mine"


def test_the_solution_is_shown_and_noted(run, tmp_path) -> None:
    run("start", "box-iou")
    _, text = run("solution")
    assert "np.maximum(a[:, None, :2]" in text
    assert json.loads((tmp_path / "minis-exercises.json").read_text())["exercises"]["box-iou"][
        "looked"
    ]


@pytest.mark.parametrize("command", ["check", "hint", "solution"])
def test_without_a_start_it_says_how_to_begin(run, command) -> None:
    done, _ = run(command)
    assert "minis exercise start" in str(done.exception)


def test_an_unknown_name_and_a_missing_file(run) -> None:
    done, _ = run("start", "convolute")
    assert "there are one-hot" in str(done.exception)
    done, _ = run("check", "im2col")
    assert "minis exercise start im2col" in str(done.exception)
