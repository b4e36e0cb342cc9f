"""The GPU backends: in the simulator, under emulation, and on a GPU where there is one."""
