"""How a profile is shown: nothing is cut, whatever the terminal's width."""

import os

import numpy as np
import pytest
from rich.console import Console

from minis.learn import Pass, Report, Row, profile
from minis.learn.profile_report import median
from minis.models import UNet

RNG = np.random.default_rng(0)


def values(*shape):
    return RNG.standard_normal(shape, dtype=np.float32)


def test_median_of_several():
    """Of each row's times; a row that one of them lacks counts as it is."""
    reports = []
    for seconds in (0.1, 0.9, 0.2):
        row = Row("a", "ReLU", forward=Pass(1, seconds), backward=Pass(1, 2 * seconds))
        rows = [row] + ([Row("b", "ELU", forward=Pass(1, 5.0))] if seconds == 0.2 else [])
        reports.append(Report(rows, [Row("relu", "", forward=Pass(1, seconds))]))
    found = median(reports)
    assert [(r.name, r.forward.seconds, r.backward.seconds) for r in found.rows] == [
        ("a", 0.2, 0.4),
        ("b", 5.0, 0),
    ]
    assert found.operations[0].forward.seconds == 0.2


@pytest.fixture(scope="module")
def unet_report():
    model = UNet.mini(rng=np.random.default_rng(0))
    with profile() as report:
        model(values(1, 1, 64, 64))
        model.backward(values(1, 2, 64, 64))
    return report


def shown(table, width):
    """Print as to a terminal of so many columns."""
    console = Console(width=width, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(table)
    return console.export_text()


@pytest.mark.parametrize("by", ["layer", "operation"])
@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_nothing_is_cut_in_the_table(unet_report, width, by):
    """Every name, shape and number stands there whole, at any width."""
    for row in unet_report.rows:
        row.forward.served[:] = ["numba winograd", "numpy text"]
        row.backward.served[:] = ["numba elaborate"]
    unet_report.rows[3].name = "backbone.body.layer4.2.downsample.0"
    text = shown(unet_report.table(by=by, width=width), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    rows, rest = unet_report.grouped(by)
    words = text.split()
    for row in (*rows, rest, unet_report.total):
        whole = all(word in text for word in row.name.split())
        assert whole or (width < 100 and row.name.startswith("backbone"))
        for name in ("forward", "backward"):
            milliseconds = 1e3 * getattr(row, name).seconds
            assert any(w == f"{milliseconds:.{p}f}" for p in range(4) for w in words), row.name
    if by == "layer":
        assert "1×8×64×64" in text
        assert "ConvTranspose2d" in text
        assert text.count("winograd") == text.count("elaborate") == len(rows)
    assert "GFLOP/s" in text
    assert "GB/s" in text


def test_each_backend_is_named_once():
    """However many algorithms of it served."""
    served = ["numba winograd", "numba direct", "numpy text", "numba"]
    report = Report([Row("a", "ReLU", forward=Pass(1, 0.1, served=served))])
    assert "numba winograd, direct; numpy text" in shown(report.table(width=200), 200)


def test_a_wide_terminal_gets_one_line_a_row(unet_report):
    """A narrow one gets two."""
    heights = [len(shown(unet_report.table(width=w), w).splitlines()) for w in (100, 200)]
    rows = len(unet_report.rows) + 2
    assert rows < heights[1] < rows + 6
    assert heights[0] > 2 * rows


def test_print(unet_report, monkeypatch):
    """As wide as the terminal."""
    monkeypatch.setenv("COLUMNS", "80")
    text = str(unet_report)
    assert "between layers" in text
    assert max(map(len, text.splitlines())) <= 80
    assert str(Report()).count("total") == 1
