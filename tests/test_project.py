"""The project as a whole: what the README says, what an import costs, what stands alone."""

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from minis import ops
from minis.learn.operations import rewritten
from minis.learn.specs import SPECS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_table_of_operations_is_current():
    """`make readme` has been run since the specs or the kernels changed."""
    assert rewritten(README) == README


def test_every_operation_has_a_spec():
    """And every spec is of an operation."""
    forward = {name for name in ops.__all__ if not name.endswith("_backward")}
    assert forward == set(SPECS)
    for name in forward:
        has_backward = f"{name}_backward" in ops.__all__
        assert has_backward == (SPECS[name].backward is not None), name


@pytest.mark.parametrize("name", ops.__all__)
def test_docstrings_have_every_section(name):
    """Parameters, Returns, Raises and an example that runs, for every operation."""
    text = inspect.getdoc(getattr(ops, name))
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"{section}\n{'-' * len(section)}" in text, f"{name} lacks {section}"
    assert ">>> " in text


def test_readme_example_runs():
    """The Python block, line by line."""
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(code, "README.md", "exec"), {})


def test_readme_links_lead_somewhere():
    """Every relative link and picture."""
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_import_costs_little_more_than_numpy():
    """Less than 1.5 times `import numpy`: the best of several runs of each, taken in turn."""
    told = "import time; print(time.process_time())"  # which no other process adds to

    def seconds(code):
        command = [sys.executable, "-c", f"{code}; {told}"]
        return float(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    pairs = [(seconds("import numpy"), seconds("import minis")) for _ in range(7)]
    numpy, minis = (min(times) for times in zip(*pairs, strict=True))
    assert minis < 1.5 * numpy, f"import minis {minis:.3f} s, import numpy {numpy:.3f} s"


def test_kernels_import_nothing_of_minis():
    """Imports run one way."""
    for source in (ROOT / "kernels").rglob("*.py"):
        assert not re.search(r"^\s*(from|import) minis\b(?!_)", source.read_text(), re.MULTILINE)


def test_layers_import_one_way():
    """cli → learn, training → models → nn → ops → kernels."""
    order = ["ops", "nn", "models"]
    for i, lower in enumerate(order):
        for source in (ROOT / "minis" / lower).rglob("*.py"):
            for upper in [*order[i + 1 :], "training", "learn", "cli"]:
                pattern = (
                    rf"^\s*from \.\.{upper}\b|^\s*from minis\.{upper}\b|^\s*import minis\.{upper}\b"
                )
                assert not re.search(pattern, source.read_text(), re.MULTILINE), (source, upper)


def test_version_is_a_version():
    """One place says it, and the changelog has a place for the next."""
    import minis

    assert re.fullmatch(r"\d+\.\d+\.\d+", minis.__version__)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dynamic"] == ["version"]
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
