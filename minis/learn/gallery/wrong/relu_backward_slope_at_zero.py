"""Lets the gradient through where the output is 0."""

CAUSE = "passes_the_gradient_at_zero"


def relu_backward(dy, y):
    dx = dy.copy()
    dx[y < 0] = 0
    return dx
