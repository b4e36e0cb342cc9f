"""A verdict as JSON and back: how it comes from the process in which the examination ran."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from .verdict import Failure, Held, Planes, Speed, Verdict


def to_json(verdict: Verdict) -> str:
    """Write a verdict as a line of JSON; arrays become their dtype, shape and values.

    Examples
    --------
    >>> from_json(to_json(Verdict("mine", "relu"))).operation
    'relu'
    """
    return json.dumps(dataclasses.asdict(verdict), default=_plain)


def from_json(text: str) -> Verdict:
    """Read what `to_json` wrote."""
    read = json.loads(text, object_hook=_array)
    failure = read.pop("failure")
    if failure and failure["larger"]:
        failure["larger"] = Planes(**failure["larger"])
    return Verdict(
        **{
            **read,
            "held": tuple(Held(**h) for h in read["held"]),
            "speed": tuple(Speed(**s) for s in read["speed"]),
            "failure": Failure(**failure) if failure else None,
        }
    )


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"dtype": value.dtype.name, "shape": value.shape, "values": value.ravel().tolist()}
    return repr(value)


def _array(read: dict[str, Any]) -> Any:
    if set(read) == {"dtype", "shape", "values"}:
        return np.array(read["values"], read["dtype"]).reshape(read["shape"])
    return read
