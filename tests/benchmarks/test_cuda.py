"""The parts that measure on a GPU: events, buffers, peaks, the device; on an imagined one."""

import subprocess

import numpy as np
import pytest

import minis
from benchmarks import peaks as cpu_peaks
from benchmarks.cases.case import EXACT, EXACT_TF32
from benchmarks.cuda import buffers, device, peaks, timer
from benchmarks.cuda.library import CuPy, Torch, library_of
from benchmarks.places import device_of, in_numpy, moved, placed, sets
from benchmarks.suites import find_task
from benchmarks.task import Prepared
from minis import ops

from .imagined_gpu import L2, imagined_gpu  # noqa: F401 - a fixture


class Clock:
    """A GPU whose calls take what they are told, and a library that times them."""

    def __init__(self, *seconds):
        self.now, self.calls, self.seconds_of, self.waits = 0.0, 0, seconds, 0

    def run(self):
        """Take the next of the times, and then the last for ever."""
        self.now += self.seconds_of[min(self.calls, len(self.seconds_of) - 1)]
        self.calls += 1
        return object()

    def event(self):
        """Return an event."""
        return ClockEvent(self)

    def seconds(self, start, stop):
        """Return what passed between two."""
        assert stop.waited, "read before it happened"
        return stop.at - start.at

    def synchronize(self):
        """Wait for what came before."""
        self.waits += 1


class ClockEvent:
    """Remembers when."""

    def __init__(self, clock):
        self.clock, self.at, self.waited = clock, None, False

    def record(self):
        """Take the time."""
        self.at = self.clock.now

    def synchronize(self):
        """Wait."""
        self.waited = True


def test_a_call_is_a_share_of_what_passed():
    """Between two events, which don't begin before the GPU is idle."""
    clock = Clock(1.0, 3.0)
    found = timer.timed(clock.run, 2, clock)
    assert found.gpu == 2.0
    assert 0 < found.host < 0.1
    assert clock.waits == 1


def test_short_calls_are_timed_several_at_once():
    """As many as fill five milliseconds; a turn is a tenth of a second."""
    clock = Clock(1e-4)
    turn = timer.take_turn(clock.run, clock)
    assert turn["seconds"] == pytest.approx([1e-4] * len(turn["seconds"]))
    assert len(turn["seconds"]) == len(turn["host"]) == pytest.approx(20, abs=1)
    assert clock.calls == pytest.approx(50 * 20 + 300, rel=0.1)  # 300 to wake up


def test_long_calls_are_timed_alone():
    """One that fills the turn is the turn; first calls that are slow don't count."""
    clock = Clock(0.5)
    assert timer.take_turn(clock.run, clock)["seconds"] == [0.5]
    assert clock.calls == 1
    clock = Clock(0.02, 0.02, 0.01)
    seconds = timer.take_turn(clock.run, clock)["seconds"]
    assert seconds == pytest.approx([0.01] * len(seconds))
    assert len(seconds) in (10, 11)


def test_calls_too_short_for_a_clock_end():
    """The number of calls, and of measurements, has a limit."""
    clock = Clock(0.0)
    turn = timer.take_turn(clock.run, clock)
    assert len(turn["seconds"]) == timer.MOST
    assert turn["seconds"][0] == 0


def test_inputs_take_turns():
    """Each call runs on the next copy; there are enough to exceed the cache twice."""
    ran = []
    prepared = [Prepared(lambda n=n: ran.append(n), dict, note=str(n)) for n in range(3)]
    one = buffers.rotating(prepared)
    for _ in range(4):
        one.run()
    assert ran == [0, 1, 2, 0]
    assert one.note == "0"
    assert buffers.rotating(prepared[:1]) is prepared[0]
    for size in (100, 1000, 3000, 100_000):
        assert buffers.copies(size, L2) * size >= 2 * L2


@pytest.mark.usefixtures("imagined_gpu")
@pytest.mark.parametrize("implementation", ["cupy", "numba-cuda", "torch-cuda"])
def test_arrays_go_there_and_back(implementation):
    """In copies of their own for inputs, in lists and dictionaries for networks."""
    assert device_of(implementation) == "cuda"
    x = np.arange(300, dtype=np.float32)
    many = sets({"x": x, "n": np.arange(3)}, implementation)
    assert len(many) == -(-2 * L2 // (1200 + 24))
    many[0]["x"][0] = 7.0
    assert in_numpy(many[1]["x"])[0] == 0
    assert in_numpy(many[1]["n"]).tolist() == [0, 1, 2]
    nested = placed([{"a": x}, x], implementation)
    assert in_numpy(nested[0]["a"])[299] == in_numpy(nested[1])[299] == 299


def test_on_the_cpu_nothing_is_copied():
    """Arrays, tensors and networks are those that were given."""
    x = np.zeros(3, np.float32)
    assert device_of("torch") == "cpu"
    assert sets({"x": x}, "numba")[0]["x"] is x
    placed([x], "torch")[0][0] = 1
    assert in_numpy(placed(x, "torch"))[0] == x[0] == 1
    assert moved(x, "numba") is x


@pytest.mark.usefixtures("imagined_gpu")
def test_precision_of_pytorch():
    """Of convolutions and of matrix products."""
    import torch

    library = library_of("torch-cuda")
    for precision, name in (("tf32", "tf32"), ("float32", "ieee")):
        library.set_precision(precision)
        assert torch.backends.cudnn.conv.fp32_precision == name
        assert torch.backends.cuda.matmul.fp32_precision == name
    assert torch.backends.cudnn.benchmark


def test_both_libraries_describe_the_same_device(imagined_gpu):  # noqa: F811
    """And each its own CUDA; CuPy's side sets the precision of minis."""
    ours, theirs = CuPy().describe(), Torch().describe()
    assert ours.pop("CUDA of CuPy") == "12.8"
    assert "cuDNN of PyTorch" in theirs
    assert ours == {k: v for k, v in theirs.items() if not k.endswith("of PyTorch")}
    assert ours["GPU"] == "Imagined GPU 9000"
    assert ours["multiprocessors"] == "3"
    assert ours["compute capability"] == "9.0"
    CuPy().set_precision("float32")
    assert imagined_gpu.precisions == ["float32"]


@pytest.mark.usefixtures("imagined_gpu")
def test_peaks_of_both_libraries():
    """CuPy multiplies in float32, PyTorch in TF32 too; the best of each counts."""
    found = {name: [peaks.measure(library_of(name))] for name in ("cupy", "torch-cuda")}
    assert set(found["cupy"][0]) == {"gflops", "gbs"}
    assert set(found["torch-cuda"][0]) == {"gflops", "gbs", "tf32"}
    best = cpu_peaks.best(found)
    assert best.gflops == max(found["cupy"][0]["gflops"], found["torch-cuda"][0]["gflops"])
    assert best.at("tf32").gflops == found["torch-cuda"][0]["tf32"]
    assert best.at("float32") is best
    assert best._replace(tf32=None).at("tf32") is None


def test_peak_rates(monkeypatch):
    """2·n³ operations and 8 bytes a number, in the time of a call."""
    seconds = iter([9.0, 2.0, 1.0, 2.0, 9.0, 4.0, 4.0, 4.0])
    monkeypatch.setattr(peaks, "SIDE", 10)
    monkeypatch.setattr(peaks, "COPIED", 1000)
    monkeypatch.setattr(peaks, "timed", lambda *given: timer.Timed(next(seconds), 0.0))

    class Library:
        products = ("float32",)

        def put(self, array):
            return array

        def set_precision(self, precision):
            pass

    assert peaks.measure(Library()) == pytest.approx({"gflops": 2e-6, "gbs": 2e-6})


def test_driver(monkeypatch):
    """As `nvidia-smi` has it; nothing where there is none."""

    def answers(text):
        done = subprocess.CompletedProcess([], 0, text)
        monkeypatch.setattr(device.subprocess, "run", lambda *given, **options: done)

    answers("570.86.15\n570.86.15\n")
    assert device.driver() == {"driver": "570.86.15"}
    answers("")
    assert device.driver() == {}

    def missing(*given, **options):
        raise FileNotFoundError("nvidia-smi")

    monkeypatch.setattr(device.subprocess, "run", missing)
    assert device.driver() == {}


@pytest.fixture
def numpy_text():
    """No kernel, which might calculate otherwise."""
    with minis.use("numpy"):
        yield


def cut(x):
    """Keep the ten bits after the point that TF32 has, and cut the rest."""
    return (x.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)


@pytest.mark.parametrize("pass_", ["forward", "backward"])
@pytest.mark.parametrize("key", ["conv3x3-512", "conv1x1", "conv7x7-s2", "transposed16x16"])
@pytest.mark.usefixtures("numpy_text")
def test_tf32_is_exact_by_its_own_limit(key, pass_):
    """Even where numbers are cut rather than rounded; and float32's limit would refuse it."""
    case = find_task(key)
    a = case.draw(np.random.default_rng(0))
    rounded = {name: cut(array) if name != "b" else array for name, array in a.items()}
    y = case.minis(ops, a)
    if pass_ == "forward":
        pairs = list(zip(case.minis(ops, rounded), y, strict=True))
    else:
        dy = np.random.default_rng(1).standard_normal(y[0].shape, dtype=np.float32)
        pairs = list(
            zip(
                case.minis_backward(ops, cut(dy), rounded, ()),
                case.minis_backward(ops, dy, a, ()),
                strict=True,
            )
        )[:2]  # db multiplies nothing
    error = max(float(np.abs(p - q).max() / np.abs(q).max()) for p, q in pairs)
    assert EXACT < error < EXACT_TF32 == case.limit(pass_, "cuda")
    assert case.limit(pass_) == EXACT
