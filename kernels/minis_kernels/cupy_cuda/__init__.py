"""Kernels in CUDA C++, for the speed that those in Python lack.

sources/        the kernels: .cu files, and .cuh files that they share
program.py      compiles a .cu file when first needed, through CuPy
<operation>.py  thin launchers with the names and signatures of `minis.ops`: they check the
arguments, make the results' arrays and start a kernel
emulation/      compiles the same files for the CPU, to prove them where there is no GPU
"""
