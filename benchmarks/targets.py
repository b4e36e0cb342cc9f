"""What the kernels are to reach, and which rows don't."""

from __future__ import annotations

import math

from .cases import CONVOLUTIONS, POOLING, REGIONS
from .networks.network import INFERENCE, TRAINING
from .results import Report, Row
from .sides import OTHERS
from .startup import CACHED_LIMIT, FIRST_LIMIT
from .summary import geometric_mean, peak_memory, seconds, speedups
from .tables import name_of
from .task import CUDA

MEAN = 1.2  # geometric mean of the operations' speed-ups over PyTorch
WORST = 0.8  # any operation's
NUMPY = 0.25  # the NumPy text's, on convolutions
MODEL = 1.0  # any network's
UNET_INFERENCE = 1.3
# of the `cupy` backend, against PyTorch on the same GPU
GPU_CONVOLUTION = 0.7  # with TF32 on both sides
GPU_OTHER = 1.0  # pooling, regions, and those of these names
GPU_OTHERS = ("batch-norm", "group-norm", "cross-entropy")


def misses(report: Report) -> list[str]:
    """Return a line for each target that was measured and missed."""
    found = [line for row in report.rows for line in problems(row)]
    if report.device == CUDA:
        return found + (_operations_on_gpu(report) if report.suite == "ops" else [])
    check = {
        "ops": _operations,
        "models": _models,
        "memory": _memory,
        "startup": _startup,
    }.get(report.suite)
    return found + (check(report) if check else [])


def problems(row: Row) -> list[str]:
    """Return a line for each side that was not timed, or is less exact than it must be."""
    lines = []
    for name, side in row.sides.items():
        where = f"{row.label}, {row.pass_}: {name_of(name)}"
        if side.problem:
            lines.append(f"{where} was not timed: {side.problem}")
        elif side.error is not None and side.error > row.limit:
            lines.append(f"{where} is inexact: {side.error:.1e}, to be ≤ {row.limit:.0e}")
    return lines


def _operations(report: Report) -> list[str]:
    lines = []
    if "numba" in report.ours:
        ratios = speedups(report.rows, "numba", "torch")
        mean = geometric_mean(ratios.values())
        if not math.isnan(mean) and mean < MEAN and not report.settings["partial"]:
            lines.append(f"geometric mean {mean:.2f}, to be ≥ {MEAN}")
        lines += [
            f"{name}: {ratio:.2f} times PyTorch's speed, to be ≥ {WORST}"
            for name, ratio in ratios.items()
            if ratio < WORST
        ]
    keys = {case.key for case in CONVOLUTIONS}
    rows = [row for row in report.rows if row.key in keys]
    lines += [
        f"{name}: the NumPy text has {ratio:.2f} times PyTorch's speed, to be ≥ {NUMPY}"
        for name, ratio in speedups(rows, "numpy", "torch").items()
        if ratio < NUMPY
    ]
    return lines


def _operations_on_gpu(report: Report) -> list[str]:
    wanted = {case.key: GPU_CONVOLUTION for case in CONVOLUTIONS}
    wanted |= dict.fromkeys((*(case.key for case in (*POOLING, *REGIONS)), *GPU_OTHERS), GPU_OTHER)
    return [
        f"{name}: {ratio:.2f} times PyTorch's speed, to be ≥ {wanted[name.split()[0]]}"
        for name, ratio in speedups(report.rows, "cupy", "torch-cuda").items()
        if ratio < wanted.get(name.split()[0], 0)
    ]


def _models(report: Report) -> list[str]:
    if "numba" not in report.ours:
        return []
    lines = []
    for other in report.theirs:
        for name, ratio in speedups(report.rows, "numba", other).items():
            wanted = MODEL
            if other == "torch" and name == f"unet {INFERENCE}":
                wanted = UNET_INFERENCE
            elif other != "torch" and not name.startswith("unet "):
                continue
            if ratio < wanted:
                lines.append(f"{name}: {ratio:.2f} times {OTHERS[other]}'s speed, to be ≥ {wanted}")
    return lines


def _memory(report: Report) -> list[str]:
    lines = []
    for row in report.rows:
        sides = {name: peak_memory(side) for name, side in row.sides.items()}
        ours, theirs = sides.get("numba"), sides.get("torch")
        if row.pass_ == TRAINING and ours and theirs and ours > theirs:
            lines.append(
                f"{row.label}: a training step takes {ours / theirs:.2f} times PyTorch's memory"
            )
    return lines


def _startup(report: Report) -> list[str]:
    lines = []
    for row in report.rows:
        for (name, side), limit in zip(row.sides.items(), (FIRST_LIMIT, CACHED_LIMIT), strict=True):
            time = seconds(side)
            if time and time.median > limit and row.key:
                lines.append(
                    f"{row.label}, {row.pass_}, {name}: {time.median:.2f} s, to be ≤ {limit}"
                )
    return lines
