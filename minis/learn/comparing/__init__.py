"""`minis compare`: a network beside its port to PyTorch, layer by layer.

networks     the comparison; `step` runs one training step of either side
ours, theirs what each side's layers saw, forward and backward
matching     which layer is which; `weights` carries the parameters over
divergence   the first layer that departs, and what that looks like
mirror       our own network with every operation done by PyTorch
text         the report on the screen
"""
