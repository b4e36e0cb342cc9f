"""Who looks on while operations and layers run: a profiler, or nobody.

Every operation and every layer's `forward` and `backward` asks for the observer of its context.
There is usually none. An observer is handed the work, and does it: so it can time it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol


class Observer(Protocol):
    """What an observer must be able to do."""

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation, and return its result."""

    def layer(
        self,
        method: Callable[..., Any],
        module: Any,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward` or `backward`, and return its result."""


# A context variable: an observer sees the thread or task that it was set in, and no other.
observer: ContextVar[Observer | None] = ContextVar("minis_observer", default=None)


def observed(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let the observer, if there is one, run a module's `forward` or `backward`."""

    @functools.wraps(method)
    def run(module: Any, *inputs: Any, **options: Any) -> Any:
        onlooker = observer.get()
        if onlooker is None:
            return method(module, *inputs, **options)
        return onlooker.layer(method, module, inputs, options)

    return run
