"""Two texts compared, their numbers as numbers."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[-−+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def same_output(printed: str, shown: str, tolerance: float = 0.0) -> bool:
    """Whether a text says what another says, up to blanks, and numbers up to a tolerance.

    Parameters
    ----------
    printed, shown : str
        The texts.
    tolerance : float
        By how much numbers may differ.

    Examples
    --------
    >>> same_output("loss 0.31", "loss 0.30"), same_output("loss 0.31", "loss 0.30", 0.02)
    (False, True)
    >>> same_output("[ 1. -0.]", "[1. 0.]"), same_output("loss 1", "gain 1")
    (True, False)
    """
    if _words(printed) != _words(shown):
        return False
    pairs = zip(_numbers(printed), _numbers(shown), strict=True)
    return all(abs(a - b) <= tolerance + 1e-12 * abs(b) for a, b in pairs)


def _words(text: str) -> list[str]:
    return NUMBER.sub("#", _plain(text)).split()


def _numbers(text: str) -> list[float]:
    found = NUMBER.findall(_plain(text))
    return [float(n.replace(",", "").replace("−", "-")) for n in found]


def _plain(text: str) -> str:
    """Take out what only lines numbers up: blanks after brackets."""
    return re.sub(r"([\[(])\s+", r"\1", text)
