"""Reports on disk: what is written is read again, whole files only, the same picture each time."""

import pytest

from benchmarks import charts, markdown, results
from benchmarks.results import SideResult, from_json, to_json, write
from benchmarks.run import write as write_report

from .reports import report, row

ROWS = (
    row("relu", "forward", [1, 2, 3], [2, 4, 7]),
    row("relu", "backward", [1, 2, 3], [1, 1, 1]),
    row("nms", "forward", [4], [3], error=1e-3),
)


def test_json_holds_everything():
    """Every single time, the work, the peaks."""
    before = report(*ROWS)
    before.rows[0].sides["torch"].note = 'of [1, 2] and "{3}"'
    before.rows[0].sides["torch"].memory = [{"imported": 1, "peak": 2}]
    after = from_json(to_json(before))
    assert after == before
    assert to_json(after) == to_json(before)
    assert '"turns": [\n      [0.001, 0.001],' in to_json(before)


def test_json_of_another_form_is_refused():
    """With what to do about it."""
    with pytest.raises(ValueError, match="measure again"):
        from_json(to_json(report()).replace('"schema": 1', '"schema": 0'))


def test_files_are_whole_or_absent(tmp_path, monkeypatch):
    """Interrupted while writing, the old file stays and no other is left."""
    file = tmp_path / "a" / "ops.json"
    write(file, "old")

    def stopped(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(file), "replace", stopped)
    with pytest.raises(KeyboardInterrupt):
        write(file, "new")
    assert [f.name for f in file.parent.iterdir()] == ["ops.json"]
    assert file.read_text() == "old"


def test_report_is_written_and_read(tmp_path):
    """JSON, Markdown and both pictures."""
    before = report(*ROWS)
    names = {path.name for path in write_report(before, tmp_path)}
    assert names == {"ops.json", "ops.md", "ops-numba-torch.svg", "roofline-numba.svg"}
    assert results.read_all(tmp_path, ["ops", "models"]) == {"ops": before}


def test_pictures_are_deterministic():
    """Equal data give equal bytes, without a date."""
    first, second = (charts.draw(report(*ROWS)) for _ in range(2))
    assert first == second
    assert all("<dc:date>" not in text for text in first.values())


def test_markdown_says_what_was_missed():
    """The table, the mean, the misses, the machine."""
    failed = row("prelu", "forward", [], [1])
    failed.sides["numba"] = SideResult(problem="wrong: the error of y is 1.0e+00")
    text = markdown.document(report(*ROWS, failed))
    assert "| the relu | forward | numba | 2 | 4 | 2.00 (2.00–2.17) |" in text
    assert "Numba against PyTorch: geometric mean" in text
    assert "- the prelu, forward: Numba was not timed: wrong: the error of y is 1.0e+00" in text
    assert "- relu backward: 0.50 times PyTorch's speed, to be ≥ 0.8" in text
    assert "processor: A processor" in text
