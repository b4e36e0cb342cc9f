"""Multiplies dy by the mask where it lies."""

KIND = "changed an input"


def dropout_backward(dy, mask):
    dy *= mask
    return dy.copy()
