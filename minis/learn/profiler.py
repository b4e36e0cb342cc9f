"""Profiling: which layer takes how long, does how much, and what served it.

Every operation and every layer's `forward` and `backward` asks whether someone looks on, see
`minis.observer`. Here is the one who does: it runs them, takes the time, and counts.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import array_namespace, serve
from ..nn import Module
from ..observer import Observer, unobserved
from .costs import FLOPS, Cost, cost, traffic
from .profile_report import Pass, Report, Row

# the packages that kernels lie in, and their backends
_BACKENDS = {
    "minis_kernels.numba_cpu": "numba",
    "minis_kernels.numba_cuda": "numba-cuda",
    "minis_kernels.cupy_cuda": "cupy",
}


@contextmanager
def profile() -> Iterator[Report]:
    """Take the time of every layer and operation that is called within a `with` block.

    Yields
    ------
    Report
        Filled when the block ends; `print` it, or read its `rows`.

    Notes
    -----
    Only what the current thread (or task) calls is seen. Of two such blocks, one within the other,
    the inner one sees what is called in it. The first call of a kernel compiles it: call what is to
    be profiled once before.

    Examples
    --------
    >>> from minis import ops
    >>> with profile() as report:
    ...     y = ops.relu(np.zeros((2, 3), np.float32))
    >>> [(row.name, row.shapes, row.forward.cost) for row in report.rows]
    [('relu', [(2, 3)], Cost(flops=6, bytes=48))]
    """
    recorder = _Recorder()
    try:
        with recorder.looking_on():
            yield recorder.report
    finally:
        recorder.finish()


@dataclass
class _Running:
    """A `forward` or `backward` that has begun and not yet returned."""

    module: Module
    name: str
    leaf: bool  # a layer, in contrast to a module that is made of others
    done: Pass
    elsewhere: float = 0.0  # seconds of what it called and that has a row of its own


class _Recorder(Observer):
    """The observer that fills a report.

    Its own work stops its clock, so that no layer's time contains it.
    """

    def __init__(self) -> None:
        self.report = Report()
        self._rows: dict[str, Row] = {}
        self._operations: dict[str, Row] = {}
        self._running: list[_Running] = []
        self._names: dict[int, str] = {}
        self._roots: list[Module] = []  # kept, so that no id is given out again
        self._own_work = 0.0

    def operation(
        self, reference: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run an operation; one within another counts as part of that."""
        started = time.perf_counter()
        with unobserved():
            result, kernel = serve(reference, args, options)
            _wait_for(result)
        ended = time.perf_counter()
        name = reference.__name__
        served = _served(kernel, name, args, options)
        done = Pass(1, ended - started, _cost(name, args, options, result), [served])
        self._add_operation(name, done, args, result)
        self._own_work += time.perf_counter() - ended
        return result

    def layer(
        self,
        method: Callable[..., Any],
        module: Module,
        inputs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Any:
        """Run a module's `forward` or `backward`."""
        outer = self._running[-1] if self._running else None
        if outer and outer.module is module:  # what it inherits, called by what it overrides
            return method(module, *inputs, **options)
        began = time.perf_counter()
        leaf = next(module.children(), None) is None
        this = _Running(module, self._name(module, outer), leaf, Pass(1))
        self._running.append(this)
        started = time.perf_counter()
        self._own_work += started - began
        own_work_before = self._own_work
        try:
            result = method(module, *inputs, **options)
        finally:
            self._running.pop()
        ended = time.perf_counter()
        seconds = ended - started - (self._own_work - own_work_before)
        this.done.seconds = seconds - this.elsewhere
        if outer:
            outer.elsewhere += seconds
        if leaf:
            row = self._rows.setdefault(this.name, Row(this.name, type(module).__name__))
            _add(row, method.__name__ == "backward", this.done, inputs, result)
        else:
            between = self.report.between
            between_pass = between.backward if method.__name__ == "backward" else between.forward
            between_pass.seconds += this.done.seconds
        self._own_work += time.perf_counter() - ended
        return result

    def finish(self) -> None:
        """Put the rows into the report; where only one network was called, without its name."""
        networks = [root for root in self._roots if next(root.children(), None)]
        if len(networks) == 1:
            prefix = f"{self._names[id(networks[0])]}."
            for row in self._rows.values():
                short = row.name.removeprefix(prefix)
                if short not in self._rows:
                    row.name = short
        self.report.rows = list(self._rows.values())
        self.report.operations = list(self._operations.values())

    def _add_operation(self, name: str, done: Pass, args: tuple[Any, ...], result: Any) -> None:
        base = name.removesuffix("_backward")
        backward = base != name
        grouped = self._operations.setdefault(base, Row(base, ""))
        _add(grouped, backward, done, args, result)
        caller = self._running[-1] if self._running else None
        if caller and caller.leaf:
            caller.done.add(Pass(0, 0.0, done.cost, done.served))
            return
        if caller:
            caller.elsewhere += done.seconds
            base = f"{caller.name}.{base}"
        _add(self._rows.setdefault(base, Row(base, "operation")), backward, done, args, result)

    def _name(self, module: Module, outer: _Running | None) -> str:
        """Return a module's dotted name, which begins with the network that was called."""
        if id(module) not in self._names:
            kind = type(module).__name__
            if outer:  # it is in no attribute that `children` looks into
                return f"{outer.name}.{kind}"
            count = sum(type(root).__name__ == kind for root in self._roots)
            root = f"{kind} {count + 1}" if count else kind
            self._roots.append(module)
            for dotted, part in module.modules():
                self._names.setdefault(id(part), f"{root}.{dotted}" if dotted else root)
        return self._names[id(module)]


def _add(row: Row, backward: bool, done: Pass, args: tuple[Any, ...], result: Any) -> None:
    (row.backward if backward else row.forward).add(done)
    output = args[0] if backward and args else result  # dy has the output's shape
    if isinstance(output, tuple | list) and output:
        output = output[0]
    shape = getattr(output, "shape", None)
    if shape is not None and tuple(shape) not in row.shapes:
        row.shapes.append(tuple(shape))


def _cost(name: str, args: tuple[Any, ...], options: dict[str, Any], result: Any) -> Cost:
    if name in FLOPS:
        return cost(name, args, options, result=result)
    return Cost(0, traffic(args, options, result))


def _served(
    kernel: Callable[..., Any] | None, name: str, args: tuple[Any, ...], options: dict[str, Any]
) -> str:
    """Name the backend, and the algorithm where its kernel has several."""
    if kernel is None:
        return "numpy text"
    package = kernel.__module__.rpartition(".")[0]
    backend = _BACKENDS.get(package)
    if backend is None:
        return kernel.__module__
    try:
        algorithms = importlib.import_module(f"{package}.algorithms")
    except ImportError:
        return backend
    chosen = algorithms.algorithm_of(name, *args, **options)
    return f"{backend} {chosen}" if chosen else backend


def _wait_for(result: Any) -> None:
    """Let the GPU finish: it works on after a call has returned."""
    first = result[0] if isinstance(result, tuple | list) and result else result
    xp: Any = array_namespace(first)
    if xp is not np:
        xp.cuda.get_current_stream().synchronize()
