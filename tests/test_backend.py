"""The choice of a backend, and what serves an operation under it."""

import importlib.util
import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import minis
import minis_kernels
from minis import backend, gpu, ops


@pytest.fixture(autouse=True)
def _start_from_numpy():
    with minis.use("numpy"):
        yield


@pytest.fixture
def all_available(monkeypatch):
    """Pretend that every backend can run here."""
    monkeypatch.setattr(backend, "unavailable", lambda name: None)


@pytest.fixture
def fresh_answers():
    """Forget, before and after, what is known to be unavailable."""
    backend._problem.cache_clear()
    yield
    backend._problem.cache_clear()


def run_python(code, **environment):
    """Run `code` in a process of its own, and return what it printed."""
    inherited = {k: v for k, v in os.environ.items() if k != "MINIS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_use_holds_until_the_next_use(all_available) -> None:
    """Called as a function, it stays."""
    minis.use("numba")
    assert minis.active_backend() == "numba"
    minis.use("auto")
    assert minis.active_backend() == "auto"


def test_use_as_a_context_manager_undoes_itself(all_available) -> None:
    """However deep, and after an exception too."""
    with minis.use("numba") as outer:
        assert repr(outer) == "<minis backend 'numba'>"
        with minis.use("cupy"), minis.use("auto"):
            assert minis.active_backend() == "auto"
        with pytest.raises(TypeError), minis.use("auto"):
            ops.relu([1.0])
        assert minis.active_backend() == "numba"
    assert minis.active_backend() == "numpy"


def test_an_unknown_backend_is_named_with_the_known() -> None:
    """And the one in force stays."""
    with pytest.raises(ValueError, match="use: no backend 'tpu'; there are auto, numpy, numba, "):
        minis.use("tpu")
    assert minis.active_backend() == "numpy"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("numba", r"minis.use\('numba'\): Numba is not installed: pip install numba"),
        ("numba-cuda", r"minis.use\('numba-cuda'\): Numba is not installed: pip install numba"),
        ("cupy", r"minis.use\('cupy'\): CuPy is not installed: pip install 'minis\[cuda12\]'"),
    ],
)
def test_a_missing_package_is_named(name, text, monkeypatch, fresh_answers) -> None:
    """The error says what to install, and leaves the backend in force alone."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    device = gpu.Device("a GPU", 8 << 30, (8, 0))
    monkeypatch.setattr(gpu, "look", lambda: gpu.Machine((12, 4), (device,)))
    monkeypatch.setattr(gpu, "cupy_packages", list)
    with pytest.raises(minis.BackendUnavailableError, match=text):
        minis.use(name)
    assert minis.active_backend() == "numpy"


@pytest.mark.parametrize(
    ("name", "package", "text"),
    [
        ("numba-cuda", "numba", "finds no GPU: see what .*; or NUMBA_ENABLE_CUDASIM=1 runs"),
        ("cupy", "cupy", "the NVIDIA driver is there but finds no GPU: see what `nvidia-smi`"),
    ],
)
def test_a_missing_gpu_is_named(name, package, text, monkeypatch, fresh_answers) -> None:
    """The packages are there, the device isn't."""
    no_gpu = SimpleNamespace(__spec__=object(), cuda=SimpleNamespace(is_available=lambda: False))
    for module in {package, "cupy"}:
        monkeypatch.setitem(sys.modules, module, no_gpu)
    monkeypatch.setattr(gpu, "look", lambda: gpu.Machine((12, 4), error=gpu.NO_DEVICE))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    with pytest.raises(minis.BackendUnavailableError, match=text):
        minis.use(name)
    if name == "numba-cuda":
        backend._problem.cache_clear()
        monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
        assert backend.unavailable(name) is None


SHOW = "import minis; print(minis.active_backend())"


def test_the_environment_names_the_first_backend() -> None:
    """Until `use` names another; without either it is auto."""
    assert run_python(SHOW) == "auto"
    assert run_python(SHOW, MINIS_BACKEND="") == "auto"
    assert run_python(SHOW, MINIS_BACKEND="numpy") == "numpy"
    chosen = "import minis; minis.use('auto'); print(minis.active_backend())"
    assert run_python(chosen, MINIS_BACKEND="numpy") == "auto"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tpu", "the environment variable MINIS_BACKEND: no backend 'tpu'; there are auto"),
        ("cupy", "MINIS_BACKEND=cupy: "),
    ],
)
def test_a_bad_environment_is_named(name, text) -> None:
    """`import minis` works; the first question about the backend doesn't."""
    code = (
        "import sys; sys.modules['cupy'] = None\n"
        "import minis\n"
        "try:\n    minis.active_backend()\n"
        "except (ValueError, ImportError) as error:\n    print(error)"
    )
    assert run_python(code, MINIS_BACKEND=name).startswith(text)


def test_a_choice_stays_in_its_thread(all_available, monkeypatch) -> None:
    """A new thread begins with the environment's backend, whatever others chose."""
    monkeypatch.setenv("MINIS_BACKEND", "cupy")
    seen = []

    def work():
        seen.append(minis.active_backend())
        minis.use("numba")
        seen.append(minis.active_backend())

    for _ in range(2):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == ["cupy", "numba"] * 2
    assert minis.active_backend() == "numpy"


def test_a_kernel_takes_over(all_available, monkeypatch) -> None:
    """It gets the arguments as they came; `reference` and the backend "numpy" bypass it."""
    calls = []

    def kernel(*args, **options):
        calls.append((args, options))
        return "from the kernel"

    found = {("numba", "relu"): kernel}
    monkeypatch.setattr(minis_kernels, "find", lambda *key: found.get(key))
    x = np.array([-1.0, 2.0])
    for name in ("numba", "auto"):
        with minis.use(name):
            assert ops.relu(x) == "from the kernel"
            np.testing.assert_array_equal(ops.relu.reference(x), [0, 2])
            np.testing.assert_array_equal(ops.relu_backward(x, x), [0, 2])
    np.testing.assert_array_equal(ops.relu(x), [0, 2])
    assert len(calls) == 2
    assert calls[0][0][0] is x
    assert calls[0][1] == {}


def test_a_kernel_that_declines_leaves_it_to_numpy(all_available, monkeypatch) -> None:
    """Malformed arguments are declined too, so that the error is the NumPy text's."""
    monkeypatch.setattr(minis_kernels, "find", lambda *key: lambda *args, **options: NotImplemented)
    with minis.use("numba"):
        np.testing.assert_array_equal(ops.relu(np.array([-1.0, 2.0])), [0, 2])
        with pytest.raises(TypeError, match="relu: x must be an array, got list"):
            ops.relu([1.0])


def test_auto_does_without_numba(monkeypatch) -> None:
    """Where no kernel can run the NumPy text does."""
    monkeypatch.setattr(backend, "unavailable", lambda name: name not in ("auto", "numpy"))
    with minis.use("auto"):
        assert backend.kernel_for("conv", np.zeros(1)) is None


def test_every_operation_keeps_its_numpy_text() -> None:
    """`reference` is the function behind the dispatch, of the same name."""
    for name in ops.__all__:
        operation = getattr(ops, name)
        if hasattr(operation, "reference"):
            assert operation.reference.__name__ == operation.__name__ == name
            assert operation.reference is not operation
    assert hasattr(ops.conv, "reference")


def test_importing_minis_imports_nothing_heavy() -> None:
    """It costs what importing NumPy costs."""
    code = "import sys, minis; print(*sys.modules)"
    loaded = set(run_python(code).split())
    assert "numpy" in loaded
    heavy = {"numba", "scipy", "matplotlib", "cupy", "torch", "hypothesis", "PIL", "rich"}
    assert not heavy & loaded


def test_numpy_alone_suffices() -> None:
    """`minis.ops` and `minis.nn` work where nothing else is installed."""
    code = """
import importlib, pkgutil, sys

blocked = ("numba", "scipy", "matplotlib", "cupy", "torch", "hypothesis", "PIL", "threadpoolctl")
sys.modules.update(dict.fromkeys(blocked))  # None: to import them, or look for them, fails
import numpy as np
import minis.nn
from minis import ops

for module in pkgutil.iter_modules(minis.nn.__path__):
    importlib.import_module(f"minis.nn.{module.name}")
x = np.ones((1, 2, 4, 4), "float32")
layer = minis.nn.Conv2d(2, 3, 3, rng=np.random.default_rng(0))
assert layer.backward(ops.relu(layer(x))).shape == x.shape
print(minis.active_backend())
"""
    assert run_python(code) == "auto"
