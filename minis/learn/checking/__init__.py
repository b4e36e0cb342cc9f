"""`minis check`: a learner's own version of an operation, examined by the library's specs.

target     the operation that it claims to be, and how to draw calls of it
trial      one call: what it did, and what is wrong with that
cases      many calls, and the smallest that fails
causes     the likely mistake, recognised by what it does
patterns   on which calls it fails
verdict    what was found; `screen` and `picture` show it, `codec` sends it
process    all of this in a process of its own
"""
