"""Who looks on while operations and layers run: a profiler, or nobody.

Every operation and every layer's `forward` and `backward` asks for the observer of its context.
There is usually none. An observer is handed the work, and does it: so it can time it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Observer:
    """One who looks on; a subclass runs operations, and layers unless it leaves them alone."""

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation, and return its result."""
        raise NotImplementedError(f"{type(self).__name__} has no operation")

    def layer(
        self,
        method: Callable[..., Any],
        module: Any,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward` or `backward`, and return its result."""
        return method(module, *inputs, **options)

    @contextmanager
    def looking_on(self) -> Iterator[None]:
        """Observe what is called in a `with` block."""
        token = observer.set(self)
        try:
            yield
        finally:
            observer.reset(token)


# A context variable: an observer sees the thread or task that it was set in, and no other.
observer: ContextVar[Observer | None] = ContextVar("minis_observer", default=None)


@contextmanager
def unobserved() -> Iterator[None]:
    """Let nobody look on in a `with` block: what an operation calls itself is part of it."""
    token = observer.set(None)
    try:
        yield
    finally:
        observer.reset(token)


def observed(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let the observer, if there is one, run a module's `forward` or `backward`."""

    @functools.wraps(method)
    def run(module: Any, *inputs: Any, **options: Any) -> Any:
        onlooker = observer.get()
        if onlooker is None:
            return method(module, *inputs, **options)
        return onlooker.layer(method, module, inputs, options)

    return run
