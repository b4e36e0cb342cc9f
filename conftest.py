"""Names that every docstring's example may use without importing them."""

from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _example_names(doctest_namespace: dict[str, Any]) -> None:
    doctest_namespace["np"] = np
