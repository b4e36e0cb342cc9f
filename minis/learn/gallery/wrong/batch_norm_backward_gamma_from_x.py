"""Multiplies dy by the input, and not by the normalised input, for gamma's gradient."""

CAUSE = "takes_x_for_normalised"


def batch_norm_backward(dy, x, gamma, mean, inv_std, *, training):
    axes = (0, *range(2, x.ndim))
    shape = (1, -1, *[1] * (x.ndim - 2))
    x_hat = (x - mean.reshape(shape)) * inv_std.reshape(shape)
    dx_hat = dy * gamma.reshape(shape)
    dx = dx_hat
    if training and x.size:
        along = (dx_hat * x_hat).mean(axis=axes, keepdims=True)
        dx = dx_hat - dx_hat.mean(axis=axes, keepdims=True) - x_hat * along
    return dx * inv_std.reshape(shape), (x * dy).sum(axis=axes), dy.sum(axis=axes)
