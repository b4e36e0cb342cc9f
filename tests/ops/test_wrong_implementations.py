"""The tests are tested: the specs catch every plausible mistake."""

import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

import minis
from minis import ops
from minis.learn.mistakes import MISTAKES, Mistake
from minis.learn.specs import SPECS
from minis.learn.specs.properties import examine


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.operation}-{m.function.__name__}")
def test_caught(mistake: Mistake) -> None:
    """Among the calls that the spec draws is one on which the mistake fails a property."""
    functions = {name: getattr(ops, name) for name in ops.__all__}
    functions[mistake.operation] = _crash_is_failure(mistake.function)
    spec = SPECS[mistake.spec]

    def fails(call):
        with np.errstate(all="ignore"), minis.use("numpy"):
            try:
                examine(spec, functions, call)
            except AssertionError:
                return True
        return False

    try:
        find(
            spec.calls,
            fails,
            settings=settings(
                max_examples=200,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except NoSuchExample:
        pytest.fail(f"no property of {mistake.spec} fails for {mistake.function.__name__}")


def _crash_is_failure(function):
    """Let a mistake that only shows as an exception fail like any other."""

    @functools.wraps(function)
    def run(*args, **options):
        try:
            return function(*args, **options)
        except (ArithmeticError, IndexError, ValueError) as error:
            raise AssertionError(f"{function.__name__} crashes: {error}") from error

    return run


def test_there_are_enough_mistakes() -> None:
    """At least twenty, and each says in a sentence what it does wrong."""
    assert len(MISTAKES) >= 20
    assert all(m.sentence for m in MISTAKES)
