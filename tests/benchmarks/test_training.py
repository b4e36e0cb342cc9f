"""The README's table of what the networks learn."""

import json
import math
from pathlib import Path

from benchmarks.readme import rewritten
from benchmarks.training import END, FOLDER, RUNS, START, section
from minis.models import DETECTORS, MODELS
from minis.run_report import Result

README = Path(__file__).parents[2] / "README.md"


def test_table_is_current():
    """`python -m benchmarks.training --table` was run since the results changed."""
    text = README.read_text(encoding="utf-8")
    assert rewritten(text, section(), START, END) == text


def test_every_network_has_a_row_and_beats_the_baseline():
    """By a margin worth having: a tenth of what the baseline leaves to gain."""
    assert {model for model, _ in RUNS} == set(MODELS)
    files = list(FOLDER.glob("*.json"))
    assert files
    for file in files:
        runs = json.loads(file.read_text())["runs"]
        assert set(runs) == {f"{model}-{data}" for model, data in RUNS}
        for name, run in runs.items():
            others = [(score, run["baseline"]) for score in ("mean_iou", "mean_dice")]
            if run["model"] in DETECTORS:
                others = [
                    ("mask_ap", run["parts"]["scores"]),
                    ("mask_ap50", run["parts"]["scores"]),
                ]
            for score, other in others:
                ours, baseline = run["scores"][score], other[score]
                assert ours - baseline > 0.1 * (1 - baseline), (name, score)
            assert run["seconds"] < 600, name


def test_mask_rcnn_finds_digits():
    """Of scenes in which they don't hide each other."""
    for file in FOLDER.glob("*.json"):
        scores = json.loads(file.read_text())["runs"]["mask-rcnn-digits-apart"]["scores"]
        assert scores["mask_ap50"] >= 0.85
        assert scores["mask_ap"] >= 0.5


def test_section_of_results(tmp_path):
    """A row with both scores, the parameters with separators, and minutes."""
    run = {
        "model": "vnet", "data": "brain", "parameters": 109978, "steps": 300, "seconds": 90.0,
        "threads": 2, "scores": {"mean_iou": 0.87, "mean_dice": 0.93},
        "baseline": {"mean_iou": 0.75, "mean_dice": 0.858},
        "prepared": {"mean_iou": 0.8, "mean_dice": 0.89}, "date": "2026-01-02",
    }  # fmt: skip
    found = {"machine": {"processor": "A processor"}, "runs": {"vnet-brain": run}}
    (tmp_path / "a.json").write_text(json.dumps(found))
    text = section(tmp_path)
    assert text.startswith("A processor, 2 threads, 2026-01-02.")
    assert "| `minis train vnet --data brain --out …` | 0.870 | 0.750 | 0.800 | 0.930 |" in text
    assert "| 0.858 | 0.890 | 109,978 | 1.5 |" in text


def test_a_score_of_nothing_is_no_nan_in_a_file(tmp_path):
    """JSON knows no NaN; read again, it is one."""
    scores = {"mask_ap": 0.5, "mask_ap_large": float("nan")}
    result = Result("mask-rcnn", "nuclei", 7, 3, 1.0, 2, scores, None)
    text = result.save(tmp_path).read_text()
    assert "NaN" not in text
    read = Result.read(tmp_path)
    assert read.scores["mask_ap"] == 0.5
    assert math.isnan(read.scores["mask_ap_large"])
