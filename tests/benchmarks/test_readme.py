"""The README's table of measurements."""

from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.readme import END, RESULTS, START, current, rewritten, section
from benchmarks.results import SideResult, from_json
from benchmarks.run import write
from benchmarks.suites import SUITES

from .reports import report, row, side

README = Path(__file__).parents[2] / "README.md"


def test_table_is_current():
    """`python -m benchmarks readme` was run since the results changed."""
    text = README.read_text(encoding="utf-8")
    assert current(text) == text


def test_committed_results_are_of_whole_runs():
    """No partial run, no row that failed, and the folder is named after the machine."""
    for file in RESULTS.glob("*/*.json"):
        found = from_json(file.read_text(encoding="utf-8"))
        assert not found.settings["partial"], file
        assert found.suite in SUITES
        assert file.parent.name == machine.slug(found.machine)
        for line in found.rows:
            assert not any(side.problem for side in line.sides.values()), (file, line.key)


def test_machine_is_described_without_names():
    """No host, no user, no path."""
    import getpass
    import platform

    text = " ".join(machine.describe().values())
    assert platform.node() not in text.split()
    assert getpass.getuser() not in text.split()
    assert str(Path.home()) not in text


def test_section_of_results(tmp_path):
    """A row for each operation, both passes beside each other; networks; memory."""
    folder = tmp_path / "results" / "a-processor-2-cores"
    forward, backward = row("relu", "forward", [1], [2]), row("relu", "backward", [4], [3])
    forward.sides["torch"].note = "composed of PyTorch operations"
    write(report(forward, backward), folder)
    write(report(row("unet", "inference", [100], [150]), suite="models"), folder)
    memory = row("unet", "training", [], [])
    memory.sides = {
        name: SideResult(memory=[{"imported": 0, "at_rest": 0, "peak": mib * 2**20}])
        for name, mib in (("numba", 80), ("torch", 90))
    }
    write(report(memory, suite="memory"), folder)
    start = row("relu", "forward", [], [])
    start.sides = {"nothing cached": side(400), "cached": side(20)}
    first = report(start, suite="startup")
    first.ours, first.theirs = list(start.sides), []
    write(first, folder)
    text = section(tmp_path / "results", tmp_path)
    assert "A processor, 2 threads, NumPy 2.4, PyTorch 2.13, 2026-01-02" in text
    assert "geometric mean **1.22** times PyTorch's speed, lowest 0.75" in text
    assert "| the relu | 1 | 2 | 2.00 | 4 | 3 | 0.75 |" in text
    assert "| the unet | inference | 100 | 150 | 1.50 |" in text
    assert "| the unet | training | 80 | 90 |" in text
    assert "first call of an operation: nothing cached 0.40 s, cached 0.02 s." in text
    assert "PyTorch is composed" in text
    assert "(results/a-processor-2-cores/ops-numba-torch.svg)" in text


def test_only_what_is_between_the_markers_changes():
    """And the markers must be there."""
    text = f"before {START} old {END} after"
    assert rewritten(text, "new") == f"before {START}\nnew\n{END} after"
    with pytest.raises(ValueError, match="must contain"):
        rewritten("nothing", "new")
