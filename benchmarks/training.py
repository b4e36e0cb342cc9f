"""What the mini networks learn in a minute or two, and the README's tables of it.

    python -m benchmarks.training              # train all, write the results and the tables
    python -m benchmarks.training vnet-brain   # one of them; the others' results stay
    python -m benchmarks.training --table      # only write the tables

Each row is what one command prints: `minis train …` in a process of its own.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from minis.models import DETECTORS
from minis.run_report import Result, without_nan

from . import machine, markdown, results
from .readme import rewritten
from .sides import thread_limits
from .training_objects import COMPARED, object_table, parts_as_objects

START, END = "<!-- training: begin -->", "<!-- training: end -->"
FOLDER = Path(__file__).parent / "trained"
README = Path(__file__).parent.parent / "README.md"
THREADS = 2
# (network, data set); vnet's data are volumes, and mask-rcnn finds objects
RUNS = (
    ("unet", "nuclei"),
    ("fcn", "streets"),
    ("segnet", "streets"),
    ("tiramisu", "streets"),
    ("fcn", "digits"),
    ("segnet", "digits"),
    ("tiramisu", "digits"),
    ("vnet", "brain"),
    ("mask-rcnn", "nuclei"),
    ("mask-rcnn", "digits-apart"),
    ("mask-rcnn", "digits"),
)


def train(model: str, data: str) -> dict[str, Any]:
    """Train a network by the command, and return what it wrote of the run.

    What finds objects is compared with another network's segmentation, trained here too.
    """
    with tempfile.TemporaryDirectory(prefix="minis-training-") as folder:
        _run(["train", model, "--data", data, "--out", folder])
        result = asdict(Result.read(Path(folder)))
    if model not in DETECTORS:
        return result
    with tempfile.TemporaryDirectory(prefix="minis-training-") as folder:
        _run(["train", COMPARED[data], "--data", data, "--out", folder])
        return result | {"parts": parts_as_objects(Path(folder) / "last.safetensors", data)}


def _run(arguments: list[str]) -> None:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "minis", *arguments]
    subprocess.run(command, check=True, env={**os.environ, **thread_limits(THREADS)})


def update(names: list[str]) -> Path:
    """Train the named runs, all if there are none, and put them beside the others' results."""
    path = FOLDER / f"{machine.slug(machine.describe())}.json"
    found = json.loads(path.read_text()) if path.exists() else {"runs": {}}
    found["machine"] = machine.describe()
    for model, data in RUNS:
        name = f"{model}-{data}"
        if not names or name in names:
            found["runs"][name] = {
                **train(model, data),
                "date": datetime.date.today().isoformat(),
            }
            results.write(path, json.dumps(without_nan(found), indent=1) + "\n")
    return path


def section(folder: Path = FOLDER) -> str:
    """Return the text for the README: a table for each machine that has results."""
    parts = []
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text())
        runs = [found["runs"][name] for name in (f"{m}-{d}" for m, d in RUNS)
                if name in found["runs"]]  # fmt: skip
        titles = ["command", "mean IoU", "baseline", "prepared", "mean Dice", "baseline",
                  "prepared", "parameters", "minutes"]  # fmt: skip
        pixels = [run for run in runs if run["model"] not in DETECTORS]
        lines = [
            _line(Result.from_json({k: v for k, v in run.items() if k != "date"})) for run in pixels
        ]
        dates = sorted({run["date"] for run in runs})
        parts.append(
            f"{found['machine']['processor']}, {THREADS} threads, {dates[-1]}.\n\n"
            + markdown.table(titles, lines, left=1)
        )
        parts += object_table([run for run in runs if run["model"] in DETECTORS])
    return "\n\n".join(parts)


def _line(run: Result) -> list[str]:
    scores = [
        f"{scores[name]:.3f}" if scores else "–"
        for name in ("mean_iou", "mean_dice")
        for scores in (run.scores, run.baseline or {}, run.prepared or {})
    ]
    command = f"`minis train {run.model} --data {run.data} --out …`"
    return [command, *scores, f"{run.parameters:,}", f"{run.seconds / 60:.1f}"]


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Runs such as vnet-brain.")] = None,
    table: Annotated[bool, typer.Option("--table", help="Only write the README's tables.")] = False,
) -> None:
    """Train the mini networks and write the README's tables."""
    known = [f"{model}-{data}" for model, data in RUNS]
    for name in names or []:
        if name not in known:
            raise typer.BadParameter(f"no run {name!r}; there are {', '.join(known)}")
    if not table:
        print(f"written: {update(names or [])}")
    text = README.read_text(encoding="utf-8")
    results.write(README, rewritten(text, section(), START, END))


if __name__ == "__main__":
    typer.run(main)
