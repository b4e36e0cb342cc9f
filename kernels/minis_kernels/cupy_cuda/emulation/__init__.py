"""CUDA C++ kernels executed on the CPU, to prove them where there is no GPU.

`cuda_on_cpu.h` gives a .cu file what CUDA gives it: threads and blocks, shared memory, barriers,
exchanges within a warp, atomics. `emulator.py` compiles the two together and calls the kernels.
"""
