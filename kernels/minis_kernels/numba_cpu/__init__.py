"""Kernels for the CPU, compiled by Numba.

Inside `prange`, `np.dot` calls SciPy's BLAS. It is held to one thread here, once: the work is cut
among Numba's threads, and a BLAS that starts threads of its own inside each of them would only
compete with them. NumPy's BLAS is another library, and keeps its threads.
"""

from pathlib import Path

from threadpoolctl import ThreadpoolController


def _hold_scipy_blas_to_one_thread() -> None:
    import scipy.linalg.cython_blas  # noqa: F401 - loads the library that np.dot will call

    for library in ThreadpoolController().lib_controllers:
        # NumPy's wheel names its library libscipy_openblas too; the folder tells them apart
        if library.user_api == "blas" and not Path(library.filepath).parent.name.startswith(
            "numpy"
        ):
            library.set_num_threads(1)


_hold_scipy_blas_to_one_thread()
