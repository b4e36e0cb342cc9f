"""`minis check` on learners' implementations: the wrong are caught and named, the right pass."""

import ast
import inspect
import subprocess
import sys

import pytest

from minis import ops
from minis.learn.checking.examine import examine
from minis.learn.gallery import Exhibit, exhibits
from minis.learn.mistakes import MISTAKES

WRONG, RIGHT = exhibits("wrong"), exhibits("right")


def examined(exhibit: Exhibit):
    """Examine an exhibit, more often if that was not enough to name the cause."""
    for examples in (60, 400):
        verdict = examine(exhibit.function(), exhibit.operation, examples=examples, seconds=6)
        if verdict.failure and (exhibit.kind or verdict.failure.cause_name == exhibit.cause):
            break
    return verdict


@pytest.mark.parametrize("exhibit", WRONG, ids=lambda e: e.name)
def test_the_wrong_are_named(exhibit: Exhibit) -> None:
    failure = examined(exhibit).failure
    assert failure is not None, f"{exhibit.name} passed: {exhibit.sentence}"
    if exhibit.kind:
        assert failure.kind == exhibit.kind, failure.text
        # no mistake in the values is blamed for one of form
        assert failure.cause_name in ("", "updates_in_place")
    else:
        assert failure.cause_name == exhibit.cause, f"{failure.kind}: {failure.text}"
        assert failure.share >= 0.5


@pytest.mark.parametrize("exhibit", RIGHT, ids=lambda e: e.name)
def test_the_right_pass(exhibit: Exhibit) -> None:
    if exhibit.name == "conv_numba":
        pytest.importorskip("numba")
    verdict = examine(exhibit.function(), exhibit.operation, examples=40, seconds=4)
    assert verdict.passed, verdict.failure
    held = {h.text: h.calls for h in verdict.held}
    assert held["in float32 as well"] > 3
    assert held["the same results as the NumPy text"] > 20


def test_there_are_enough_of_both() -> None:
    assert len(WRONG) >= 45
    assert len(RIGHT) >= 12
    assert len({e.operation for e in WRONG}) >= 25
    forms = {"dtype", "nothing", "changed an input", "shares memory", "count", "shape"}
    assert {e.kind for e in WRONG} >= forms | {"endless", "exception"}


@pytest.mark.parametrize("exhibit", [*WRONG, *RIGHT], ids=lambda e: e.name)
def test_each_says_what_it_is(exhibit: Exhibit) -> None:
    """A sentence, a known cause or a kind, the operation's signature, and NumPy alone."""
    assert exhibit.sentence.endswith(".")
    wrong = exhibit in WRONG
    assert bool(exhibit.cause) + bool(exhibit.kind) == wrong
    if exhibit.cause:
        known = [m.operation for m in MISTAKES if m.function.__name__ == exhibit.cause]
        assert exhibit.operation in known
    mine = inspect.signature(exhibit.function()).parameters
    assert list(mine) == list(inspect.signature(getattr(ops, exhibit.operation)).parameters)
    tree = ast.parse(exhibit.path.read_text(encoding="utf-8"))
    imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    names = {a.name for n in imports if isinstance(n, ast.Import) for a in n.names}
    names |= {str(n.module) for n in imports if isinstance(n, ast.ImportFrom)}
    allowed = {"numpy", "itertools", "math"} | (set() if wrong else {"numba", "functools"})
    assert names <= allowed


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("conv_flipped", "Mathematical convolution in place of cross-correlation"),
        ("max_pool_backward_equals_for_plus_equals", "dx[indices] = dy in place of +="),
        ("conv_stride_must_be_int", "exactly when stride is a tuple"),
    ],
)
def test_the_command_says_so(name: str, words: str) -> None:
    (exhibit,) = (e for e in WRONG if e.name == name)
    done = _command(exhibit)
    assert done.returncode == 1, done.stdout + done.stderr
    assert words in " ".join(done.stdout.split())


def test_the_command_lets_a_right_one_pass() -> None:
    (exhibit,) = (e for e in RIGHT if e.name == "conv_fft")
    done = _command(exhibit)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conv is a right conv" in done.stdout


def _command(exhibit: Exhibit) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from minis.cli import main; main()", "check"]
    command.append(str(exhibit.path))
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_unknown_room() -> None:
    with pytest.raises(ValueError, match="room must be 'wrong' or 'right', got 'attic'"):
        exhibits("attic")
