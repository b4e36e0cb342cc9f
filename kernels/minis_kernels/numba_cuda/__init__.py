"""Kernels for the GPU in Python, to be read: what one thread does, and what a block shares.

launch.py      starts a kernel: a grid of blocks of threads, on the GPU or in Numba's simulator
signatures.py  the types of arguments, told by the annotations of a kernel's parameters
arrays.py      which arrays are served, and where results are made
<operation>.py the kernels, and thin functions with the names and signatures of `minis.ops` that
check their arguments, make the results' arrays and start a kernel

On a GPU they take CuPy arrays. With `NUMBA_ENABLE_CUDASIM=1`, set before Numba is imported, they
take NumPy arrays, and Numba's simulator runs every CUDA thread as a thread of Python.
"""
