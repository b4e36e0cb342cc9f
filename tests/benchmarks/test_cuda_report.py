"""What is said of a GPU's results: columns, targets, the CPU beside it, the README's tables."""

import json

from benchmarks import readme, tables
from benchmarks.cases import CONVOLUTIONS
from benchmarks.cuda import cpu
from benchmarks.cuda import readme as gpu_readme
from benchmarks.peaks import Peaks
from benchmarks.results import from_json
from benchmarks.run import write
from benchmarks.targets import misses

from .reports import gpu_row, on_gpu, report, row, side


def cells(found, line):
    """A line by the columns' titles."""
    titles = [column.title for column in tables.columns(found)]
    return dict(zip(titles, tables.lines(found, line)[0], strict=True))


def test_columns_of_a_gpu():
    """The share of the ceiling for its precision, the processor's time, the CPU beside."""
    exact = gpu_row("conv3x3-64-float32", [20], [20])
    rounded = gpu_row("conv3x3-64", [20], [30], "tf32")
    found = on_gpu(exact, rounded)
    shown = cells(found, rounded)
    assert shown["speed-up"].startswith("1.50 ")
    assert (shown["rate"], shown["of peak"]) == ("50 GFLOP/s", "5%")
    assert (shown["host ms"], shown["CPU ms"], shown["× CPU"]) == ("0.5", "300", "15")
    shown = cells(found, exact)
    assert shown["of peak"] == "50%"
    assert shown["CPU ms"] == "300"
    found.peaks = Peaks(100.0, 100.0)
    assert cells(found, rounded)["of peak"] == "–"
    nowhere = gpu_row("nms", [1], [1])
    assert cells(found, nowhere)["CPU ms"] == cells(found, nowhere)["× CPU"] == "–"
    nowhere.sides["numba"] = side(4)
    assert cells(found, nowhere)["× CPU"] == "4"


def test_targets_of_a_gpu():
    """Convolutions in TF32, pooling and what is named; the rest has none."""
    first = CONVOLUTIONS[0].key
    found = on_gpu(
        gpu_row(first, [10], [6], "tf32"),
        gpu_row("conv1x1", [10], [8], "tf32"),
        gpu_row(f"{first}-float32", [10], [6]),
        gpu_row("max-pool", [10], [9]),
        gpu_row("roi-align", [10], [11]),
        gpu_row("batch-norm", [10], [5]),
        gpu_row("relu", [10], [1]),
    )
    assert misses(found) == [
        f"{first} forward: 0.60 times PyTorch's speed, to be ≥ 0.7",
        "max-pool forward: 0.90 times PyTorch's speed, to be ≥ 1.0",
        "batch-norm forward: 0.50 times PyTorch's speed, to be ≥ 1.0",
    ]
    found.suite = "models"
    assert misses(found) == []


def test_newest_times_of_a_cpu(tmp_path):
    """Of all machines; a GPU's are not taken."""
    assert cpu.newest("ops", tmp_path / "nothing") == {}
    old, new = (report(row("relu", "forward", [ms], [1])) for ms in (5, 7))
    old.settings["date"] = "2025-01-01"
    write(old, tmp_path / "a")
    write(new, tmp_path / "b")
    write(on_gpu(gpu_row("relu", [1], [1])), tmp_path / "c")
    assert cpu.newest("ops", tmp_path) == {
        "processor": "A processor",
        "threads": 2,
        "date": "2026-01-02",
        "seconds": {"relu forward": 0.007},
    }
    assert cpu.newest("models", tmp_path) == {}


def test_section_of_a_gpu(tmp_path):
    """A table for each suite, and none of it among the CPU's."""
    composed = gpu_row("relu", [2], [3])
    composed.sides["torch-cuda"].note = "composed of PyTorch operations"
    write(on_gpu(composed), tmp_path / "results" / "imagined-gpu-9000")
    text = gpu_readme.section(tmp_path / "results", tmp_path)
    assert text.startswith("Operations on Imagined GPU 9000: driver 570, PyTorch 2.13, 2026-01-02.")
    assert "measured peaks: 100 GFLOP/s (float32 matrix product), 1,000 GFLOP/s (in TF32)" in text
    assert "CPU: the numba backend on another machine, A processor, 2 threads, 2026-01-01" in text
    assert "| the relu | forward | cupy | 2 | 3 | 1.50 (1.50–1.50) |" in text
    assert "| 200 | 100 |" in text
    assert "errors" not in text
    assert "(results/imagined-gpu-9000/ops-cupy-torch-cuda.svg)" in text
    assert "the relu: PyTorch is composed of PyTorch operations." in text
    assert readme.section(tmp_path / "results", tmp_path).startswith("No results yet")


def test_no_gpu_was_measured(tmp_path):
    """Then the section says so, and how to; no number stands in it."""
    text = gpu_readme.section(tmp_path, tmp_path)
    assert text.startswith("No GPU has been measured yet.")
    assert "python -m benchmarks ops models --device cuda --against torch" in text
    assert not any(character.isdigit() for character in text)


def test_readme_has_the_section_where_it_has_the_markers():
    """Both tables are written at once."""
    marked = f"{readme.START} {readme.END} between {gpu_readme.START} old {gpu_readme.END}"
    text = readme.current(marked)
    assert readme.section() in text
    assert gpu_readme.section() in text
    assert "old" not in text.rsplit("between", 1)[1]
    assert gpu_readme.START not in readme.current(f"{readme.START} {readme.END}")


def test_results_of_a_gpu_are_read_again(tmp_path):
    """With the CPU's times, the processor's, and the precision."""
    before = on_gpu(gpu_row("conv3x3-64", [2], [3], "tf32"))
    write(before, tmp_path)
    text = (tmp_path / "ops.json").read_text(encoding="utf-8")
    assert from_json(text) == before
    assert json.loads(text)["peaks"]["tf32"] == 1000.0
