"""What the Numba kernels promise beyond their operations' specs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import minis
import minis_kernels
from minis import ops

numba = pytest.importorskip("numba", reason="Numba is not installed")


def test_every_registered_kernel_is_one_of_an_operation():
    """Each has an operation's name, and can be imported."""
    for name in minis_kernels.KERNELS["numba"]:
        assert name in ops.__all__
        assert callable(minis_kernels.find("numba", name))


@pytest.mark.parametrize("name", minis_kernels.KERNELS["numba"])
def test_kernels_serve_and_do_not_just_decline(name):
    """A plain call, float32 and float64, one to three axes, is served by the kernel itself."""
    kernel = minis_kernels.find("numba", name)
    rng = np.random.default_rng(0)
    for dtype in ("float32", "float64"):
        for axes in (1, 2, 3):
            x = rng.standard_normal((2, 3, *(5, 6, 7)[:axes])).astype(dtype)
            w = rng.standard_normal((4, 3, *(3, 2, 3)[:axes])).astype(dtype)
            if "transpose" in name:
                w = w.swapaxes(0, 1)
            forward = getattr(ops, name.removesuffix("_backward")).reference
            y = forward(x, w, stride=2, padding=1)
            arguments = (y, x, w) if name.endswith("_backward") else (x, w)
            got = kernel(*arguments, stride=2, padding=1)
            expected = getattr(ops, name).reference(*arguments, stride=2, padding=1)
            assert got is not NotImplemented
            for g, e in zip(
                got if isinstance(got, tuple) else (got,),
                expected if isinstance(expected, tuple) else (expected,),
                strict=True,
            ):
                np.testing.assert_allclose(g, e, rtol=1e-4, atol=1e-4)


def test_large_maps_are_cut_into_blocks():
    """Shapes that need several blocks per sample give what the NumPy text gives."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 20, 70, 90)).astype(np.float32)
    w = rng.standard_normal((17, 20, 3, 5)).astype(np.float32)
    options = {"stride": (1, 2), "padding": (2, 1), "dilation": (2, 1)}
    with minis.use("numba"):
        y = ops.conv(x, w, **options)
        got = ops.conv_backward(y, x, w, **options)
    np.testing.assert_allclose(y, ops.conv.reference(x, w, **options), rtol=1e-4, atol=1e-3)
    for g, e in zip(got, ops.conv_backward.reference(y, x, w, **options), strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-4, atol=1e-5 * np.abs(e).max())


def test_result_does_not_depend_on_the_number_of_threads():
    """Work is cut by the shapes alone: one thread and two give the same bits."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 5, 40, 40)).astype(np.float32)
    w = rng.standard_normal((7, 5, 3, 3)).astype(np.float32)
    dy = rng.standard_normal((3, 7, 38, 38)).astype(np.float32)
    threads = numba.get_num_threads()
    results = []
    try:
        for count in {1, threads}:
            numba.set_num_threads(count)
            with minis.use("numba"):
                results.append((ops.conv(x, w), *ops.conv_backward(dy, x, w)))
    finally:
        numba.set_num_threads(threads)
    for a, b in zip(results[0], results[-1], strict=True):
        assert np.array_equal(a, b)


def test_scipy_blas_is_held_to_one_thread():
    """The BLAS that kernels call must not start threads inside Numba's."""
    minis_kernels.find("numba", "conv")
    threads = {
        Path(i["filepath"]).parent.name: i["num_threads"]
        for i in threadpool_info()
        if i["user_api"] == "blas"
    }
    if "scipy.libs" not in threads or "numpy.libs" not in threads:
        pytest.skip(f"NumPy and SciPy don't have a BLAS each here, but {threads}")
    assert threads["scipy.libs"] == 1
    assert threads["numpy.libs"] == len(os.sched_getaffinity(0))


def test_groups_are_declined():
    """Groups are the NumPy text's."""
    x = np.ones((1, 2, 4, 4), np.float32)
    assert minis_kernels.find("numba", "conv")(x, x[:, :1], groups=2) is NotImplemented


def test_changed_sources_drop_the_cache(tmp_path):
    """A cache is kept while the sources stay, and dropped when one changes."""
    from minis_kernels.numba_cpu.stale import forget_stale_caches

    source, cached = tmp_path / "a.py", tmp_path / "__pycache__" / "a.f-1.py311.nbi"
    source.write_text("x = 1\n")
    assert forget_stale_caches(tmp_path)
    cached.write_text("compiled")
    assert not forget_stale_caches(tmp_path)
    assert cached.exists()
    source.write_text("x = 2\n")
    assert forget_stale_caches(tmp_path)
    assert not cached.exists()


def test_nothing_compiles_at_import():
    """Importing minis and all its parts doesn't import Numba."""
    code = (
        "import sys, minis, minis.ops, minis.nn, minis.models, minis.data, minis.training;"
        "print('numba' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True
    )
    assert done.stdout.strip() == "False"
