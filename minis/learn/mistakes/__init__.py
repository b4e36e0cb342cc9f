"""Plausible mistakes: each must fail an operation's spec, and is a cause that a check can name.

A module here holds the mistakes of one family of operations. Each is a function that replaces one
operation; its docstring says the mistake in a sentence.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple


class Mistake(NamedTuple):
    """A wrong implementation: which spec must catch it, which operation it replaces."""

    spec: str
    operation: str
    function: Callable[..., Any]

    @property
    def sentence(self) -> str:
        """What is done wrong."""
        return " ".join((self.function.__doc__ or "").split())


MISTAKES: list[Mistake] = []


def mistake(operation: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as a wrong implementation of `operation`."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        MISTAKES.append(Mistake(operation.removesuffix("_backward"), operation, function))
        return function

    return register


for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
