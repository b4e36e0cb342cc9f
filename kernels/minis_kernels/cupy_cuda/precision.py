"""Which arithmetic a float32 convolution may use on the GPU; `minis.gpu_precision` sets it."""

from __future__ import annotations

from contextvars import ContextVar, Token

PRECISIONS = ("tf32", "fp16", "float32")

_chosen: ContextVar[str] = ContextVar("minis_gpu_precision", default="tf32")


def chosen() -> str:
    """Return the precision in force.

    Examples
    --------
    >>> chosen()
    'tf32'
    """
    return _chosen.get()


def choose(precision: str) -> Token[str]:
    """Set the precision for the current thread or task; the result is for `restore`."""
    if precision not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise ValueError(f"gpu_precision: no precision {precision!r}; there are {known}")
    return _chosen.set(precision)


def restore(token: Token[str]) -> None:
    """Undo a choice."""
    _chosen.reset(token)


def arithmetic(dtype: str, architecture: int) -> str:
    """Return what a convolution of a dtype computes in: "tf32", "fp16", "float32" or "float64".

    Examples
    --------
    >>> arithmetic("float32", 80), arithmetic("float32", 75), arithmetic("float64", 80)
    ('tf32', 'float32', 'float64')
    """
    if dtype == "float64":
        return dtype
    # Turing's tensor cores have no TF32
    return "float32" if chosen() == "tf32" and architecture < 80 else chosen()
