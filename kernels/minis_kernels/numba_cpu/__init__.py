"""Kernels for the CPU, compiled by Numba.

None calls a BLAS: its threads would compete with Numba's, and go on spinning for a while after a
product. What the kernels multiply, they multiply themselves (`product`).
"""

from .memory import keep_freed_memory

keep_freed_memory()
