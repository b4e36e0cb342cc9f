"""How tables of bad input become tests: the exception, and the text that it must begin with."""

import re

import pytest

import minis
from minis import ops

NAMES = ("exception", "operation", "args", "options", "text")


def cases(of_wrong_type, of_wrong_value):
    """List a test case for each row of two tables, by operation: (args, options, text)."""
    return [
        pytest.param(exception, operation, *case, id=f"{operation}: {case[-1]}")
        for exception, table in ((TypeError, of_wrong_type), (ValueError, of_wrong_value))
        for operation, rows in table.items()
        for case in rows
    ]


def assert_named(backend, exception, operation, args, options, text):
    """The text names the operation and the argument, what came and what was expected."""
    pattern = f"^{re.escape(f'{operation}: {text}')}"
    with minis.use(backend), pytest.raises(exception, match=pattern):
        getattr(ops, operation)(*args, **options)
