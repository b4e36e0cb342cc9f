"""A GPU that isn't there: events that read the processor's clock, and a device with properties.

CuPy's arrays are those of `tests.fake_cupy`, which refuse what CuPy's refuse; PyTorch's tensors
stay in the computer's memory, and only `torch.cuda` is imagined.
"""

from __future__ import annotations

import contextlib
import sys
import time
import types

import pytest

import minis_kernels
from benchmarks.cuda import peaks, timer
from benchmarks.cuda.library import Torch, library_of

from .. import fake_cupy

L2 = 4096  # bytes


class Event:
    """Remembers when it was recorded; waiting for it is noted."""

    def __init__(self, enable_timing=False):
        self.at, self.waited = None, False

    def record(self):
        """Take the time."""
        self.at = time.perf_counter()

    def synchronize(self):
        """Wait."""
        self.waited = True

    def elapsed_time(self, later):
        """Return milliseconds; asked too early, CUDA has an error."""
        assert later.waited
        return 1e3 * (later.at - self.at)


def imagine_cupy(monkeypatch):
    """Add to the stand-in for CuPy what times and describes."""
    cupy = sys.modules["cupy"]
    properties = {
        "name": b"Imagined GPU 9000",
        "totalGlobalMem": 8 << 30,
        "l2CacheSize": L2,
        "multiProcessorCount": 3,
        "major": 9,
        "minor": 0,
    }
    cupy.cuda.Event = Event
    cupy.cuda.get_elapsed_time = lambda start, stop: start.elapsed_time(stop)
    cupy.cuda.runtime = types.SimpleNamespace(
        getDevice=lambda: 0,
        getDeviceProperties=lambda number: properties,
        deviceSynchronize=lambda: None,
        runtimeGetVersion=lambda: 12080,
    )
    freed = []
    pool = types.SimpleNamespace(free_all_blocks=lambda: freed.append("CuPy"))
    cupy.get_default_memory_pool = lambda: pool
    monkeypatch.setattr(minis_kernels, "KERNELS", {**minis_kernels.KERNELS, "cupy": {}})
    return freed


def imagine_torch(monkeypatch, stack):
    """Have PyTorch believe in a GPU whose memory is the computer's."""
    import torch

    properties = types.SimpleNamespace(
        name="Imagined GPU 9000",
        total_memory=8 << 30,
        L2_cache_size=L2,
        multi_processor_count=3,
        major=9,
        minor=0,
    )
    monkeypatch.setattr(Torch, "device", "cpu")
    for name, value in {
        "is_available": lambda: True,
        "Event": Event,
        "synchronize": lambda: None,
        "empty_cache": lambda: None,
        "current_device": lambda: 0,
        "get_device_properties": lambda number: properties,
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    # what is set is none of these objects' own attributes, as `monkeypatch` would have it
    for settings, name in (
        (torch.backends.cudnn.conv, "fp32_precision"),
        (torch.backends.cuda.matmul, "fp32_precision"),
        (torch.backends.cudnn, "benchmark"),
    ):
        stack.callback(setattr, settings, name, getattr(settings, name))


class Imagined(types.SimpleNamespace):
    """What the imagined GPU saw.

    Attributes
    ----------
    transfers : list
        Copies between the computer's memory and CuPy's: see `tests.fake_cupy.transfers`.
    freed : list of str
        Libraries that gave memory back.
    precisions : list of str
        What minis was set to.
    """


@pytest.fixture
def imagined_gpu(monkeypatch):
    """Both libraries with an imagined GPU, and measurements that take no time."""
    import minis

    precisions = []
    monkeypatch.setattr(minis, "gpu_precision", precisions.append, raising=False)
    monkeypatch.delenv("MINIS_CUDA_EMULATION", raising=False)
    monkeypatch.setattr(timer, "TURN", 1e-4)
    monkeypatch.setattr(timer, "WAKE", 1e-5)
    monkeypatch.setattr(timer, "BETWEEN", 1e-5)
    monkeypatch.setattr(peaks, "SIDE", 16)
    monkeypatch.setattr(peaks, "COPIED", 1 << 8)
    with contextlib.ExitStack() as stack:
        transfers = stack.enter_context(fake_cupy.installed())
        freed = imagine_cupy(monkeypatch)
        imagine_torch(monkeypatch, stack)
        for cached in (library_of, minis_kernels.find):
            cached.cache_clear()
            stack.callback(cached.cache_clear)
        yield Imagined(transfers=transfers, freed=freed, precisions=precisions)
