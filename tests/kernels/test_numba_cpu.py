"""What the Numba kernels promise beyond their operations' specs."""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings

import minis
import minis_kernels
from minis import ops
from minis.learn.specs import SPECS

numba = pytest.importorskip("numba", reason="Numba is not installed")


def test_every_registered_kernel_is_one_of_an_operation():
    """Each has the name of an operation or of an optimiser's step, and can be imported."""
    steps = {"sgd_step", "rmsprop_step", "adam_step"}
    for name in minis_kernels.KERNELS["numba"]:
        assert name in ops.__all__ or name in steps
        assert callable(minis_kernels.find("numba", name))


@pytest.mark.parametrize("name", [n for n in minis_kernels.KERNELS["numba"] if n in ops.__all__])
def test_kernels_serve_and_do_not_just_decline(name):
    """Of the calls that a spec draws, the kernel itself serves a good share, in both dtypes.

    Not counted are calls with an empty array.
    """
    kernel = minis_kernels.find("numba", name)
    spec = SPECS[name.removesuffix("_backward")]
    served = {"float32": [], "float64": []}

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(call=spec.calls)
    def run(call):
        if name != spec.name:
            outputs = call.on(getattr(ops, spec.name).reference)
            y = outputs[0] if isinstance(outputs, tuple) else outputs
            dy = np.random.default_rng(0).standard_normal(np.shape(y)).astype(y.dtype)
            call = spec.backward(call, outputs, dy)
        arrays = [a for a in call.args if isinstance(a, np.ndarray)]
        if all(a.size for a in arrays):
            dtype = next(a.dtype.name for a in arrays if a.dtype.kind == "f")
            served[dtype].append(call.on(kernel) is not NotImplemented)

    run()
    for dtype, answers in served.items():
        assert len(answers) >= 10
        assert np.mean(answers) >= 0.4, f"{np.mean(answers):.0%} of {dtype} are served"


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
    x = rng.standard_normal((20, 5, 40, 40)).astype(np.float32)
    w = rng.standard_normal((7, 5, 3, 3)).astype(np.float32)
    dy = rng.standard_normal((20, 7, 38, 38)).astype(np.float32)
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


def run(*code, **environment):
    """Run pieces of code in a process of their own, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(map(textwrap.dedent, code))],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CONV = """
    import numpy as np
    from minis import ops
    x, w = np.ones((1, 2, 16, 16), np.float32), np.ones((3, 2, 3, 3), np.float32)
    def convolve(_=None):
        return float(ops.conv(x, w, padding=1).sum())
"""


def test_forked_process():
    """A process forked after a launch gets the same result, and is not ended."""
    told = run(
        CONV,
        """
        import multiprocessing
        here = convolve()
        with multiprocessing.get_context("fork").Pool(1) as pool:
            print(pool.map_async(convolve, [0]).get(timeout=60) == [here])
        """,
    )
    assert told == "True"


def test_kernels_without_a_cache():
    """Where nothing can be cached, kernels are compiled anew, without an error."""
    told = run(
        """
        from pathlib import Path
        Path.touch = lambda *_: (_ for _ in ()).throw(PermissionError("read-only"))
        """,
        CONV,
        """
        import minis_kernels.numba_cpu.jit as j
        print(convolve(), j.cache_folder(Path(j.__file__)))
        """,
    )
    value, folder = told.split()
    assert float(value) > 0
    assert folder == "None"


def test_other_sources_other_cache(tmp_path, monkeypatch):
    """A cache's name follows the file and all it imports; an older one beside the sources goes."""
    from minis_kernels.numba_cpu.jit import cache_folder

    def folder():
        cache_folder.cache_clear()
        return cache_folder(tmp_path / "a.py")

    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (tmp_path / "a.py").write_text("from .b import x\n")
    (tmp_path / "b.py").write_text("from .c import x\n")
    (tmp_path / "c.py").write_text("x = 1\n")
    (tmp_path / "d.py").write_text("x = 1\n")
    first = folder()
    (tmp_path / "d.py").write_text("x = 2\n")
    assert folder() == first
    (tmp_path / "c.py").write_text("x = 2\n")
    second = folder()
    assert first != second
    assert second.exists()
    assert not first.exists()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "elsewhere"))
    assert folder().parent == tmp_path / "elsewhere"


def test_no_place_for_a_cache(tmp_path, monkeypatch):
    """None, where neither the given folder, nor the sources', nor the user's can be made."""
    from minis_kernels.numba_cpu.jit import cache_folder

    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(blocked))
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    assert cache_folder(blocked / "a.py") is None


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
