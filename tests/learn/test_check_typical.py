"""Calls to measure speed on are calls of the operation, of one size each time."""

import numpy as np
import pytest

from minis import ops
from minis.learn.checking.cases import size
from minis.learn.checking.target import Target
from minis.learn.checking.typical import FORWARD, typical
from minis.learn.specs import SPECS

DRAWN = {"generate_anchors", "match_anchors", "sample_balanced"}  # tiny whatever one does


def test_nearly_all_operations_have_one() -> None:
    assert set(FORWARD) | DRAWN == set(SPECS)


@pytest.mark.parametrize(
    "name", sorted(n for n in ops.__all__ if n.removesuffix("_backward") in SPECS)
)
def test_it_is_a_call(name: str) -> None:
    target = Target(name)
    call = typical(target)
    result = call.on(target.reference)
    assert result is not None
    again = typical(target)
    assert size(again) == size(call)
    if target.spec.name not in DRAWN:
        assert size(call) >= 64
        arrays = [a for a in call.args if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
        assert {a.dtype.name for a in arrays} == {"float32"}
