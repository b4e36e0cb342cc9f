"""All rungs of a ladder return the same."""

import numpy as np
import pytest

from benchmarks.ladder import LADDERS
from benchmarks.task import FORWARD
from benchmarks.validation import errors

READABLE = ("loops", "taps", "windows", "im2col", "torch")  # the specs are there for the others
SMALL = [case for case in LADDERS if case.small]


@pytest.mark.parametrize(
    ("case", "rung"),
    [(case, rung.name) for case in SMALL for rung in case.rungs() if rung.name in READABLE],
    ids=lambda value: getattr(value, "key", value),
)
def test_rungs_agree(case, rung, tmp_path):
    """With the NumPy text in float64."""
    import minis

    with minis.use("numpy"):
        reference = case.prepare("numpy", FORWARD, np.float64, tmp_path)
        prepared = case.prepare(rung, FORWARD, np.float32, tmp_path)
        found = errors(prepared.results(prepared.run()), reference.results(reference.run()))
    assert max(found.values()) <= case.limit(FORWARD)


def test_slow_rungs_run_at_the_small_size_only():
    """Plain loops over a large map would take minutes."""
    names = {case.key: [rung.name for rung in case.rungs()] for case in LADDERS}
    assert "loops" in names["ladder-conv-small"]
    assert "loops" not in names["ladder-conv"]
