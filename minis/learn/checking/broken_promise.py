"""What only one operation promises, such as how NaN propagates: in words, and why it is broken."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from .cases import for_each
from .target import Target
from .verdict import Failure

EXAMPLES = 12  # calls to keep a promise on
LONGEST = 600  # characters of an assertion that are shown


def promise(check: Callable[..., None]) -> str:
    """Say what a check of a spec's `extra` asserts.

    Examples
    --------
    >>> def keeps_its_sign(functions, call): ...
    >>> promise(keeps_its_sign)
    'keeps its sign'
    """
    text = (check.__doc__ or "").strip().split("\n")[0].rstrip(".")
    return text or check.__qualname__.split(".")[0].replace("_", " ")


def cause_of_broken_promise(
    function: Callable[..., Any], target: Target, text: str, error: Exception
) -> Failure:
    """Describe a failed check; a known mistake that fails in the same words is the likely cause."""
    said = str(error).strip()[:LONGEST] or type(error).__name__
    for known in target.mistakes:
        if _words(known.function, target) == _gist(said):
            return Failure(
                "promise", f"{text}: {said}", target.name + "(…)", {}, None, None,
                known.sentence, known.function.__name__, 1.0,
            )  # fmt: skip
    return Failure("promise", f"{text}: {said}", target.name + "(…)")


def _words(mistake: Callable[..., Any], target: Target) -> str:
    """Return what the first failing check says of a mistake."""
    functions = target.functions(mistake)
    for extra in target.spec.extra:
        try:
            for_each(target, EXAMPLES, functools.partial(extra, functions))
        except Exception as error:
            return _gist(str(error).strip()[:LONGEST] or type(error).__name__)
    return ""


def _gist(said: str) -> str:
    """Leave out which of NumPy's functions met a number that it can't take."""
    return re.sub(r" encountered in \w+", "", said)
