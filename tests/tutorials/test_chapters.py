"""Each chapter's code runs, and prints and draws what the chapter shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tutorials.machinery import exercises, links, measured, notebooks
from tutorials.machinery.chapter import BOOK, chapters, orphans, steps

ROOT = BOOK.parent
COMMAND = re.compile(r"^(?:\$ )?minis (\w[\w-]*)", re.MULTILINE)


def number(path: Path) -> str:
    return path.name[:2]


@pytest.mark.parametrize("chapter", chapters(), ids=number)
def test_the_chapter_is_true(chapter: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tutorials.machinery.running", number(chapter)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("chapter", chapters(), ids=number)
def test_the_chapter_is_well_made(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    long = [
        f"{chapter.name}:{n}: {len(line)} characters of code"
        for step in steps(text)
        for n, line in enumerate(step.code.splitlines(), step.line)
        if len(line) > 79
    ]
    in_exercises = exercises.PLACE.sub("", text)
    assert not [told for told in long if _own(told, text, in_exercises)]
    assert orphans(in_exercises) == []
    assert text.count("<details>") == text.count("</details>")
    assert "What to read next" in text
    assert text.count("<!-- exercise:") >= 1


def _own(told: str, text: str, kept: str) -> bool:
    """Whether a line is the chapter's own, and not an exercise's."""
    line = text.splitlines()[int(told.split(":")[1]) - 1]
    return line in kept.splitlines()


def test_links_lead_somewhere() -> None:
    assert [problem for path in sorted(BOOK.glob("*.md")) for problem in links.broken(path)] == []


def test_every_figure_is_shown() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in BOOK.glob("*.md"))
    made = [path.name for path in (BOOK / "figures").glob("*.svg")]
    assert [name for name in made if f"figures/{name}" not in shown] == []


def test_exercises_are_those_of_the_library() -> None:
    assert exercises.main([]) == 0, "python -m tutorials.machinery.exercises --write"


def test_measured_times_are_those_of_the_benchmarks() -> None:
    assert measured.main([]) == 0, "python -m tutorials.machinery.measured --write"


def test_notebooks_are_the_chapters() -> None:
    assert notebooks.main([]) == 0, "python -m tutorials.machinery.notebooks --write"
    kept = {path.stem for path in notebooks.FOLDER.glob("*.ipynb")}
    assert kept == {path.stem for path in chapters()}


def test_commands_exist() -> None:
    from minis.cli import app

    known = {c.name or c.callback.__name__ for c in app.registered_commands if c.callback}
    known |= {group.name for group in app.registered_groups}
    for path in [*chapters(), BOOK / "README.md"]:
        for fence in re.findall(r"```console\n(.*?)```", path.read_text(encoding="utf-8"), re.S):
            for command in COMMAND.findall(fence):
                assert command in known, f"{path.name}: minis {command}"
