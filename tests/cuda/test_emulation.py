"""What CUDA C++ on the CPU must do, and must not let pass."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minis_kernels.cupy_cuda.emulation.emulator import EmulationError, launches
from minis_kernels.cupy_cuda.program import Kernel, Program

pytestmark = pytest.mark.usefixtures("emulated_cuda")


@pytest.fixture
def kernel(tmp_path: Path) -> Any:
    """Return a function that compiles the text of one kernel."""

    def make(text: str, name: str = "run", real: str = "float32") -> Kernel:
        file = tmp_path / "kernel.cu"
        file.write_text(f'#include "common.cuh"\nextern "C" __global__ void {text}')
        return Program(str(file)).kernel(name, real)

    return make


def random(*shape: int, dtype: str = "float32") -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


SUM = """run(const real* x, real* y) {
    __shared__ real part[96];
    int t = threadIdx.x;
    part[t] = x[blockIdx.x * 96 + t];
    BARRIER
    for (int half = 48; half >= 3; half /= 2) {
        if (t < half) part[t] += part[t + half];
        BARRIER
    }
    if (t == 0) y[blockIdx.x] = part[0] + part[1] + part[2];
}"""


@pytest.mark.parametrize("real", ["float32", "float64"])
def test_a_block_adds_up_in_shared_memory(kernel, real):
    x, y = random(5, 96, dtype=real), np.empty(5, real)
    kernel(SUM.replace("BARRIER", "__syncthreads();"), real=real)(5, 96, x, y)
    np.testing.assert_allclose(y, x.sum(axis=1), rtol=1e-4 if real == "float32" else 1e-12)


def test_a_missing_barrier_gives_wrong_numbers_and_the_same_again(kernel):
    """In whichever order threads run, some of them read what has not been written."""
    x, y, again = random(5, 96), np.empty(5, "float32"), np.empty(5, "float32")
    run = kernel(SUM.replace("BARRIER", ""))
    run(5, 96, x, y)
    run(5, 96, x, again)
    assert not np.isclose(y, x.sum(axis=1), rtol=1e-3).any()
    np.testing.assert_array_equal(y, again)


def test_each_missing_barrier_is_noticed(kernel):
    """The first, before the sums begin, and the second, between them."""
    x, y = random(5, 96), np.empty(5, "float32")
    for first, second in (("", "__syncthreads();"), ("__syncthreads();", "")):
        text = SUM.replace("BARRIER", first, 1).replace("BARRIER", second)
        kernel(text)(5, 96, x, y)
        assert not np.allclose(y, x.sum(axis=1), rtol=1e-3)


def test_shared_memory_begins_as_nan_in_every_block(kernel):
    """What the block before left there is gone."""
    text = """run(real* y) {
        __shared__ real kept[1];
        y[blockIdx.x] = kept[0];
        kept[0] = 1;
    }"""
    y = np.zeros(3, "float32")
    kernel(text)(3, 1, y)
    assert np.isnan(y).all()


def test_a_warp_exchanges(kernel):
    text = """run(const real* x, real* down, real* across, unsigned* votes, int* pairs) {
        int t = threadIdx.x;
        real sum = x[t];
        for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(WHOLE_WARP, sum, by);
        down[t] = sum;
        across[t] = __shfl_xor_sync(WHOLE_WARP, x[t], 1);
        votes[t] = __ballot_sync(WHOLE_WARP, x[t] > 0);
        pairs[t] = __shfl_sync(WHOLE_WARP, t, 3);
    }"""
    x = random(64)
    down, across = np.empty(64, "float32"), np.empty(64, "float32")
    votes, pairs = np.empty(64, "uint32"), np.empty(64, "int32")
    kernel(text)(1, 64, x, down, across, votes, pairs)
    warps = x.reshape(2, 32)
    np.testing.assert_allclose(down[[0, 32]], warps.sum(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(across, x.reshape(32, 2)[:, ::-1].ravel())
    expected = [sum(1 << i for i in range(32) if w[i] > 0) for w in warps]
    np.testing.assert_array_equal(votes.reshape(2, 32), np.repeat(expected, 32).reshape(2, 32))
    np.testing.assert_array_equal(pairs.reshape(2, 32), [[3] * 32, [35] * 32])


def test_atomics_and_a_grid_of_three_axes(kernel):
    text = """run(int* count, int* most, int* seen) {
        int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
        int z = blockIdx.z * blockDim.z + threadIdx.z;
        atomicAdd(count, 1);
        atomicMax(most, x + 10 * y + 100 * z);
        seen[(z * 4 + y) * 6 + x] += 1;
    }"""
    count, most = np.zeros(1, "int32"), np.zeros(1, "int32")
    seen = np.zeros((2, 4, 6), "int32")
    kernel(text)((3, 2, 1), (2, 2, 2), count, most, seen)
    assert (count[0], most[0]) == (48, 135)
    assert (seen == 1).all()


def test_dynamic_shared_memory(kernel):
    text = """run(const real* x, real* y) {
        DYNAMIC_SHARED(real, all);
        all[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        y[threadIdx.x] = all[blockDim.x - 1 - threadIdx.x];
    }"""
    x, y = random(40), np.empty(40, "float32")
    kernel(text)(1, 40, x, y, shared=160)
    np.testing.assert_array_equal(y, x[::-1])
    with pytest.raises(EmulationError, match="999999 bytes of shared memory were asked for"):
        kernel(text)(1, 40, x, y, shared=999999)


def test_a_write_beyond_an_array_is_named(kernel):
    text = "run(const real* x, real* y, int at) { y[at] = x[0]; }"
    x, y = random(3), np.zeros(3, "float32")
    for at in (3, -1):
        with pytest.raises(EmulationError, match="run: wrote outside of its argument y"):
            kernel(text)(1, 1, x, y, at)


def test_a_read_beyond_an_array_is_nan(kernel):
    y = np.zeros(1, "float32")
    kernel("run(const real* x, real* y, int at) { y[0] = x[at]; }")(1, 1, random(3), y, 3)
    assert np.isnan(y[0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "run(int* x) { if (threadIdx.x < 3)\n __syncthreads();\n else __syncthreads(); }",
            r"waits at the __syncthreads\(\) of line \d, thread .* at that of line \d",
        ),
        (
            "run(int* x) { if (threadIdx.x < 3) x[0] = __shfl_sync(WHOLE_WARP, 1, 0);\n"
            " else __syncthreads(); }",
            "waits for its warp at line 2, where the other lanes of its mask never come",
        ),
    ],
)
def test_threads_that_wait_in_different_places_are_told(kernel, text, message):
    with pytest.raises(EmulationError, match=message):
        kernel(text)(1, 40, np.zeros(1, "int32"))


def test_arguments_are_checked(kernel):
    run = kernel("run(const real* x, real* y, index_t count) { }")
    x = random(4, 4)
    with pytest.raises(TypeError, match=r"kernel run takes \(x, y, count\), got 2 arguments"):
        run(1, 1, x, x)
    with pytest.raises(TypeError, match="argument y: expected an array of float32, got float64"):
        run(1, 1, x, x.astype("float64"), 1)
    with pytest.raises(TypeError, match="argument x: expected a contiguous array"):
        run(1, 1, x.T, x, 1)
    with pytest.raises(EmulationError, match="a block has 1 to 1024 threads, not 1025"):
        run(1, 1025, x, x, 1)


def test_a_compiler_error_and_an_unknown_kernel_are_told(kernel):
    with pytest.raises(EmulationError, match=r"does not compile:\n(.|\n)*nonsense"):
        kernel("run(int* x) { nonsense }")
    with pytest.raises(ValueError, match="has no kernel 'walk'; it has run"):
        kernel("run(int* x) { }", "walk")
    with pytest.raises(ValueError, match="parameter 'half x' is of a type that has no NumPy"):
        kernel("run(half x) { }")


def test_launches_are_counted(kernel, tmp_path):
    run = kernel("run(int* x) { x[0] += 1; }")
    x = np.zeros(1, "int32")
    for blocks in (1, 1, 0):  # a grid without blocks runs nothing
        run(blocks, 1, x)
    assert x[0] == launches[str(tmp_path / "kernel.cu"), "run"] == 2
