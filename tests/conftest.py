"""The backends that the suite runs on, and a count of them at its end."""

from collections import Counter
from typing import Any

import pytest

from minis.backend import unavailable

BACKENDS = ("numpy", "numba")
_ran: Counter[str] = Counter()


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Run the test once on each backend."""
    name = request.param
    problem = unavailable(name)
    if problem:
        pytest.skip(f"backend {name}: {problem}")
    _ran[name] += 1
    return name


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say which backends ran, and why the others didn't."""
    for name in ("numpy", "numba", "numba-cuda", "cupy"):
        if _ran[name]:
            terminalreporter.write_line(f"backend {name}: {_ran[name]} tests")
        else:
            reason = unavailable(name) or "no test here asked for it"
            terminalreporter.write_line(f"backend {name}: did not run ({reason})")
