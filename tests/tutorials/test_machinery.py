"""What keeps the book true notices what is not."""

from pathlib import Path

import nbformat
import pytest

from minis.learn.drawing import figure, grid, save, walk
from minis.learn.exercises.ladder import LADDER
from tutorials.machinery import figures, links, notebooks, running
from tutorials.machinery.chapter import steps
from tutorials.machinery.comparing import same_output
from tutorials.machinery.exercises import shown, up_to_date

CHAPTER = """# A chapter

```python
import numpy as np
x = np.arange(3.0)
print("sum", x.sum())
```

```text
sum 3.0
```

Then:

```python
x * 2
```

```text
array([0., 2., 4.])
```

<details>
<summary>Solution</summary>

```python
y = x.mean()
```

</details>
"""


def problems(text, folder):
    return running.run(text, "01_a.md", folder)[1]


def test_a_true_chapter(tmp_path) -> None:
    assert problems(CHAPTER, tmp_path) == []
    assert len(list(steps(CHAPTER))) == 3


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sum 3.0", "sum 3.1"),
        ("sum 3.0", "total 3.0"),
        ("array([0., 2., 4.])", "array([0., 2., 4.0001])"),
        ("```text\nsum 3.0\n```\n", ""),  # prints, and shows nothing
        ("x * 2", "None"),  # shows, and prints nothing
        ("x * 2", "x * undefined"),
    ],
)
def test_an_untrue_chapter(old, new, tmp_path) -> None:
    assert old in CHAPTER
    assert len(problems(CHAPTER.replace(old, new), tmp_path)) == 1


def test_a_problem_names_the_line(tmp_path) -> None:
    [told] = problems(CHAPTER.replace("x * 2", "x * undefined"), tmp_path)
    assert told.startswith("01_a.md:16:")
    assert 'File "01_a.md", line 16' in told


def test_outputs_are_written(tmp_path) -> None:
    bare = CHAPTER.replace("\n```text\nsum 3.0\n```\n", "").replace("[0., 2., 4.]", "[9., 9., 9.]")
    outputs, _ = running.run(bare, "01_a.md", tmp_path)
    assert running.written(bare, outputs) + "\n" == CHAPTER


def test_a_tolerance_is_for_numbers_only() -> None:
    assert same_output("IoU 0.71, class 1", "IoU 0.70, class 1", 0.02)
    assert not same_output("IoU 0.75", "IoU 0.70", 0.02)
    assert not same_output("IoU 0.70", "Dice 0.70", 0.02)
    assert not same_output("1 2", "1", 9)
    assert same_output("1,376,795", "1,376,795")
    assert not same_output("1,376,795", "1,376,796")


def test_figures_are_the_same_bytes_each_time(tmp_path) -> None:
    for folder in ("a", "b"):
        fig, axes = figure(3, 2)
        axes.plot([0, 1], [1, 3])
        save(fig, "f", tmp_path / folder)
        walk([[1, 2], [3, 4]], [[1]], "w", folder=tmp_path / folder)
    for name in ("f.svg", "w.svg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("change", [0.0, 0.001, 1.5])
def test_a_changed_figure_is_noticed(change, tmp_path) -> None:
    rng_image = [[0.0, 0.5], [0.7, 1.0 - change / 2]]
    for folder, moved in (("a", 0.0), ("b", change)):
        fig, axes = figure(3, 2, columns=2)
        axes[0].plot([0, 1, 2], [1, 3, 2 + moved])
        axes[0].set_ylim(0, 4)
        axes[1].imshow(rng_image)
        save(fig, "f", tmp_path / folder)
    told = figures.difference(tmp_path / "a" / "f.svg", tmp_path / "b" / "f.svg")
    assert bool(told) == (change > 1)


def test_a_missing_or_unshown_figure_is_noticed(tmp_path) -> None:
    fig, axes = figure(2, 2)
    grid(axes, [[1, 2]])
    save(fig, "01-x", tmp_path / "made")
    assert len(running.compare_figures("no figure", tmp_path / "made", tmp_path)) == 2
    save(fig, "01-x", tmp_path / "kept")
    text = "![x](figures/01-x.svg)"
    assert running.compare_figures(text, tmp_path / "made", tmp_path / "kept") == []


def test_broken_links_are_noticed(tmp_path) -> None:
    file = tmp_path / "01_a.md"
    file.write_text("# One two\n[a](#one-two) [b](#three) [c](02_b.md) ![d](figures/d.svg)\n")
    assert len(links.broken(file)) == 3
    assert links.anchors("## `conv`, again\n") == {"conv-again"}


def test_exercises_are_written_from_their_solutions() -> None:
    text = up_to_date("<!-- exercise: im2col -->\nold\n<!-- end of exercise -->\n")
    assert "old" not in text
    assert "raise NotImplementedError" in text
    assert "<summary>Solution</summary>" in text
    assert up_to_date(text) == text
    for exercise in LADDER:
        made = list(steps(shown(exercise)))
        assert len(made) == 2
        for step in made:
            compile(step.code, "exercise", "exec")


def test_a_notebook_has_the_chapters_cells() -> None:
    made = notebooks.notebook(CHAPTER.replace("Then:", "![f](figures/f.svg) [t](02_b.md#x)"))
    nbformat.validate(made)
    code = [cell.source for cell in made.cells if cell.cell_type == "code"]
    assert code[0].startswith("%pip install")
    assert code[1:] == [step.code.rstrip("\n") for step in steps(CHAPTER)]
    text = "".join(cell.source for cell in made.cells if cell.cell_type == "markdown")
    assert f"]({notebooks.repository()}/raw/" in text
    assert len({cell["id"] for cell in made.cells}) == len(made.cells)
    assert Path(notebooks.FOLDER).name == "notebooks"
