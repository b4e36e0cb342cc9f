"""Every operation satisfies its spec, on every backend."""

import pytest
from hypothesis import given, settings

import minis
from minis import ops
from minis.learn.specs import SPECS
from minis.learn.specs.properties import examine

FUNCTIONS = {name: getattr(ops, name) for name in ops.__all__}


@pytest.mark.parametrize("name", SPECS)
def test_spec(name: str, backend: str) -> None:
    """Loops, PyTorch, the adjoint identity or finite differences, and good behaviour."""

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(call=SPECS[name].calls)
    def run(call):
        with minis.use(backend):
            examine(SPECS[name], FUNCTIONS, call)

    run()
