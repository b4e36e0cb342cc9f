"""One number of threads, for the whole process, for kernels and for BLAS."""

import json
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import minis
import minis_kernels.threads


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Leave no number behind."""
    monkeypatch.setattr(minis_kernels.threads, "_chosen", None)
    most = minis.get_num_threads()
    yield
    minis.set_num_threads(most)


def run(code, **environment):
    """Run code in a process of its own, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_numba_is_not_imported_for_it():
    """Nor is anything else, before the number is set; the kernels obey it when they come."""
    assert run(
        """
        import sys, minis
        print("numba" in sys.modules, "threadpoolctl" in sys.modules, minis.get_num_threads())
        minis.set_num_threads(2)
        print("numba" in sys.modules, minis.get_num_threads())
        from minis_kernels.numba_cpu.launch import launch
        import numba
        launch(lambda: print(numba.get_num_threads()))
        """,
        NUMBA_NUM_THREADS="3",
    ) == ["False", "False", "3", "False", "2", "2"]


def test_kernels_from_every_python_thread_obey():
    """Although Numba keeps a number for each."""
    numba = pytest.importorskip("numba")
    from minis_kernels.numba_cpu.launch import launch, threads

    seen = []

    def look():
        launch(lambda: seen.append((threads(), numba.get_num_threads())))

    most = numba.config.NUMBA_NUM_THREADS
    for count in (1, most):
        minis.set_num_threads(count)
        look()
        with ThreadPoolExecutor(1) as pool:
            pool.submit(look).result()
        assert seen == [(count, count)] * 2
        seen.clear()


def test_numbas_own_number_holds_until_one_is_set():
    """`numba.set_num_threads` is respected where `minis.set_num_threads` was never called."""
    numba = pytest.importorskip("numba")
    from minis_kernels.numba_cpu.launch import launch, threads

    before = numba.get_num_threads()
    seen = []
    try:
        numba.set_num_threads(1)
        launch(lambda: seen.append((threads(), numba.get_num_threads())))
    finally:
        numba.set_num_threads(before)
    assert seen == [(1, 1)]


def test_blas_obeys():
    """NumPy's library, whichever it is."""

    def blas():
        return {i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"}

    if not blas():
        pytest.skip("threadpoolctl knows no BLAS here")
    for count in (1, minis.get_num_threads()):
        minis.set_num_threads(count)
        assert blas() == {count}


@pytest.mark.parametrize("count", [0, -1])
def test_too_few(count):
    """Zero doesn't mean all."""
    with pytest.raises(ValueError, match=rf"set_num_threads: .* at least 1, got {count}"):
        minis.set_num_threads(count)


def test_more_than_there_are():
    """The error says how many there are, and how to have more."""
    most = minis.get_num_threads()
    with pytest.raises(ValueError, match=rf"{most + 1} threads .* there are {most}, .*NUMBA_NUM_T"):
        minis.set_num_threads(most + 1)
    assert minis.get_num_threads() == most


@pytest.mark.parametrize("count", ["2", 1.0, True, None])
def test_not_an_int(count):
    """Only an int will do."""
    with pytest.raises(TypeError, match="set_num_threads: the number must be an int"):
        minis.set_num_threads(count)


def test_numpy_ints():
    """One of NumPy's is an int."""
    minis.set_num_threads(np.int64(1))
    assert minis.get_num_threads() == 1


LAYERS = """
    import json, os
    import numpy as np
    from concurrent.futures import ThreadPoolExecutor
    from minis import ops
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 8, 32, 32)).astype(np.float32)
    w = rng.standard_normal((8, 8, 3, 3)).astype(np.float32)

    def convolve(i):
        y = ops.conv(x * (i + 1), w, padding=1)
        return [float(a.sum()) for a in (y, *ops.conv_backward(y, x, w, padding=1)[:2])]

    alone = [convolve(i) for i in range(5)]
    import numba
    with ThreadPoolExecutor(8) as pool:
        together = pool.map(convolve, [i % 5 for i in range(100)])
        told = [numba.threading_layer(), list(together) == alone * 20]
"""
FORKS = """
    def child():
        os._exit(0 if np.allclose(convolve(1), alone[1], rtol=1e-3) else 1)
    with ThreadPoolExecutor(2) as pool:  # forked while kernels run, and before and after
        busy = pool.map(convolve, [i % 5 for i in range(100)])
        for _ in range(3):
            pid = os.fork()
            child() if pid == 0 else told.append(os.waitpid(pid, 0)[1])
        told.append(list(busy) == alone * 20)
"""
TELL = """
    print()  # TBB prints a line of its own when it is forked
    print(json.dumps(told, separators=(',', ':')))
"""


@pytest.mark.parametrize("layer", ["omp", "workqueue", "tbb"])
def test_several_python_threads_and_forks(layer):
    """The same results as alone, and no process hangs or is ended, whatever Numba's threads are."""
    pytest.importorskip("numba")
    pool = {"omp": "omppool", "tbb": "tbbpool"}.get(layer, layer)
    pytest.importorskip(f"numba.np.ufunc.{pool}", exc_type=ImportError)
    forks = hasattr(os, "fork")
    printed = run(LAYERS + FORKS * forks + TELL, NUMBA_THREADING_LAYER=layer)
    assert json.loads(printed[-1]) == [layer, True, *[0, 0, 0, True] * forks]
