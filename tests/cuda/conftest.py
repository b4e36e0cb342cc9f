"""The imagined GPU, for tests of what runs on one where there is none."""

from collections.abc import Iterator

import pytest

import minis
from minis_kernels.cupy_cuda import precision

from .. import fake_cupy
from ..fake_cupy.transfers import Transfers


@pytest.fixture
def imagined_gpu() -> Iterator[Transfers]:
    """Give `model.to("cuda")` a GPU, on which the NumPy text runs; yields what is copied."""
    with fake_cupy.installed() as transfers, minis.use("numpy"):
        yield transfers


@pytest.fixture(autouse=True)
def exact_convolutions() -> Iterator[None]:
    """Have float32 convolutions computed in float32: TF32 would not hold the specs' tolerances."""
    token = precision.choose("float32")
    yield
    precision.restore(token)
