"""Exercises: a ladder from the size of a convolution's output to one in shared memory.

solutions    one module an exercise, from which all that a learner sees is cut
exercise     an exercise: its statement, stub, hints and solution
drawn        the arguments that a learner's function is tried on
slips        plausible mistakes in what the library has no operation for
accesses     counts of what a CUDA kernel reads and writes, in the simulator
ladder       the exercises in order
progress     what has been started, tried and solved: a small file
examination  a learner's file, examined in a process of its own
notebook     a learner's function, where there is no file
"""
