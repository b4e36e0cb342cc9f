"""Small reports to try the tables, pictures and targets on."""

from benchmarks.peaks import Peaks
from benchmarks.results import Report, Row, SideResult
from benchmarks.task import Work

MACHINE = {"processor": "A processor", "cores": "2", "NumPy": "2.4", "PyTorch": "2.13"}


def side(*milliseconds, error=1e-7):
    """One turn of two calls for each time."""
    return SideResult(turns=[[m * 1e-3, m * 1e-3] for m in milliseconds], error=error)


def row(key, pass_, ours, theirs, error=1e-7):
    """Times of numba and of PyTorch, in milliseconds."""
    sides = {"numba": side(*ours, error=error), "torch": side(*theirs)}
    return Row(key, f"the {key}", pass_, Work(1e9, 1e8), 5e-5, sides)


def report(*rows, suite="ops", partial=False):
    """A run of these rows."""
    settings = {"date": "2026-01-02", "threads": 2, "pairs": 3, "pause": 0.3, "partial": partial,
                "with_cpu": False}  # fmt: skip
    found = Report(suite, MACHINE, settings, ["numba"], ["torch"], Peaks(400.0, 40.0))
    found.rows += rows
    return found


def on_gpu(*rows, suite="ops"):
    """A report of a GPU, with committed times of a CPU."""
    found = report(*rows, suite=suite)
    found.ours, found.theirs = ["cupy"], ["torch-cuda"]
    found.machine = {"GPU": "Imagined GPU 9000", "driver": "570", **found.machine}
    found.settings["device"] = "cuda"
    found.peaks = Peaks(100.0, 100.0, 1000.0)
    found.cpu = {
        "processor": "A processor", "threads": 2, "date": "2026-01-01",
        "seconds": {"relu forward": 0.2, "conv3x3-64 forward": 0.3},
    }  # fmt: skip
    return found


def gpu_row(key, ours, theirs, precision="float32"):
    """Times of both sides in milliseconds; the processor needs half a millisecond."""
    found = row(key, "forward", [], [])
    found.sides = {"cupy": side(*ours), "torch-cuda": side(*theirs)}
    found.sides["cupy"].host = [[0.0005]]
    found.precision = precision
    return found
