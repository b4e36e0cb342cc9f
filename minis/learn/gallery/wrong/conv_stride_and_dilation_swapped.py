"""The window takes steps of `dilation`, and its cells lie `stride` apart."""

import numpy as np

CAUSE = "applies_stride_before_dilation"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    stride = np.broadcast_to(stride, axes)
    padding = np.broadcast_to(padding, axes)
    dilation = np.broadcast_to(dilation, axes)
    padded = np.pad(x, [(0, 0), (0, 0)] + [(p, p) for p in padding])
    kernel = np.array(w.shape[2:])
    out = (np.array(padded.shape[2:]) - stride * (kernel - 1) - 1) // dilation + 1
    if (out < 1).any():
        raise ValueError("the kernel is larger than the image")
    y = np.zeros((len(x), len(w), *out), x.dtype)
    per_group = len(w) // groups
    for o in range(len(w)):
        first = o // per_group * w.shape[1]
        for at in np.ndindex(*out):
            window = padded[:, first : first + w.shape[1]]
            for a in range(axes):
                places = at[a] * dilation[a] + np.arange(kernel[a]) * stride[a]
                window = window.take(places, axis=a + 2)
            y[(slice(None), o, *at)] = (window * w[o]).reshape(len(x), -1).sum(axis=1)
        if b is not None:
            y[:, o] += b[o]
    return y
