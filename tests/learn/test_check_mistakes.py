"""Every known mistake is caught, and named."""

import warnings

import pytest

import minis
from minis.learn.checking.broken_promise import cause_of_broken_promise, promise
from minis.learn.checking.cases import for_each, trials
from minis.learn.checking.causes import cause
from minis.learn.checking.target import Target
from minis.learn.mistakes import MISTAKES, Mistake


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m.operation}-{m.function.__name__}")
def test_named(mistake: Mistake) -> None:
    """By its results, or by the promise that it breaks."""
    target = Target(mistake.operation)
    with minis.use("numpy"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for most in (60, 400):  # few calls tell most mistakes from one another
            made = trials(mistake.function, target, most=most, seconds=3)
            found = cause(made, target)
            if found is not None and found.name == mistake.function.__name__:
                break
        if found is None and all(t.right for t in made):
            named = _by_promise(mistake, target)
        else:
            assert found is not None, f"not recognised among {len(made)} calls"
            named = found.name
    assert named == mistake.function.__name__


def _by_promise(mistake: Mistake, target: Target) -> str:
    functions = target.functions(mistake.function)
    for extra in target.spec.extra:
        try:
            for_each(target, 12, lambda call, e=extra: e(functions, call))
        except Exception as error:
            return cause_of_broken_promise(
                mistake.function, target, promise(extra), error
            ).cause_name
    return "not caught"
