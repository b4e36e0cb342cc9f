"""What a run shows: a bar on a terminal, lines elsewhere, nothing if not wanted."""

import io

import pytest
from rich.console import Console

from minis.training import fit
from minis.training.progress import Bar, Lines, Progress, choose_progress

from .small_network import run


def test_silent(capsys):
    fit(**run(steps=6))
    assert capsys.readouterr() == ("", "")


def test_lines_where_there_is_no_terminal(capsys):
    arguments = run(steps=6) | {"show_progress": True}
    fit(**arguments)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith("step 5/6  loss ")
    assert lines[-1].startswith("step 6/6")
    assert "score -" in lines[0]
    assert "images/s" in lines[0]
    assert len(lines) <= 4


def test_a_line_when_the_last_is_a_while_ago(capsys, monkeypatch):
    lines = Lines(100, 0)
    lines.stepped(1.0, 2)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("minis.training.progress.SECONDS_BETWEEN_LINES", 0.0)
    lines.stepped(1.0, 2)
    assert capsys.readouterr().err.startswith("step 2/100  loss 1.0000")


def test_a_bar_on_a_terminal():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with Bar(10, 4, console) as bar:
        bar.stepped(0.5, 8)
        bar.validated({"mean_iou": 0.75, "other": 1})
    text = screen.getvalue()
    assert "5/10" in text
    assert "loss 0.5000" in text
    assert "mean_iou 0.750" in text
    assert "images/s" in text


@pytest.mark.parametrize(("show", "kind"), [(True, Lines), (False, Progress)])
def test_chooses(show, kind):
    assert type(choose_progress(10, 0, show)) is kind


def test_chooses_a_bar_on_a_terminal(monkeypatch):
    monkeypatch.setattr(Console, "is_terminal", True)
    assert type(choose_progress(10, 0, True)) is Bar


def test_the_loss_is_smoothed_without_a_bias_to_zero():
    progress = Progress(10, 0)
    for _ in range(3):
        progress.stepped(2.0, 1)
    assert progress.loss == pytest.approx(2.0)
    progress.stepped(4.0, 1)
    assert 2.0 < progress.loss < 3.0
