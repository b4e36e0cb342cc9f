"""What to run."""

from __future__ import annotations

from dataclasses import dataclass, field

from .task import CPU


@dataclass
class Plan:
    """The choices that the command line gives.

    Attributes
    ----------
    ours, theirs : list of str
        The implementations.
    threads, pairs : int
        Of each side.
    quick : bool
        Whether to leave cases out.
    cases : list of str
        Keys of the only ones wanted; none means all.
    device : {"cpu", "cuda"}
        What is measured.
    with_cpu : bool
        Whether the CPU is measured too, beside a GPU.
    """

    ours: list[str]
    theirs: list[str]
    threads: int
    pairs: int
    quick: bool = False
    cases: list[str] = field(default_factory=list)
    device: str = CPU
    with_cpu: bool = False
