"""Sets the negative values of its input to zero, and hands it on."""

KIND = "changed an input"


def relu(x):
    x[x < 0] = 0
    return x
