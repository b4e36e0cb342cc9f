"""Every operation that has a GPU kernel satisfies its spec, without a GPU and with one.

Each kernel is called itself, and the NumPy text only for what it declines.
"""

from typing import Any

import pytest
from hypothesis import given, settings

from minis import ops
from minis.learn.specs import SPECS
from minis.learn.specs.properties import examine
from minis_kernels import KERNELS

from .serving import function_on, served_calls

# in the simulator every CUDA thread is a thread of Python
EXAMPLES = {"numba-cuda": 8, "cupy": 25}
CASES = [(backend, name) for backend in EXAMPLES for name in SPECS if name in KERNELS[backend]]


def run_spec(name: str, backend: str, examples: int) -> None:
    """Examine the kernels of an operation and of its backward on so many drawn calls."""
    functions: dict[str, Any] = {n: getattr(ops, n).reference for n in ops.__all__}
    mine = [n for n in (name, f"{name}_backward") if n in KERNELS[backend]]
    functions |= {n: function_on(backend, n) for n in KERNELS[backend] if n in functions}
    before = {n: served_calls[backend, n] for n in mine}

    @settings(max_examples=examples, deadline=None, derandomize=True)
    @given(call=SPECS[name].calls)
    def run(call: Any) -> None:
        examine(SPECS[name], functions, call)

    run()
    for n in mine:
        assert served_calls[backend, n] > before[n], f"{backend} served no call of {n}"


@pytest.mark.parametrize(("imitated_backend", "name"), CASES, indirect=["imitated_backend"])
def test_spec_on_the_cpu(name: str, imitated_backend: str) -> None:
    """In the simulator, or compiled for the CPU."""
    run_spec(name, imitated_backend, EXAMPLES[imitated_backend])


@pytest.mark.gpu
@pytest.mark.parametrize(("gpu_backend", "name"), CASES, indirect=["gpu_backend"])
def test_spec_on_the_gpu(name: str, gpu_backend: str) -> None:
    """The whole spec."""
    run_spec(name, gpu_backend, 60)
