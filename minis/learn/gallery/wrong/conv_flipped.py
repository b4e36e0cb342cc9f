"""A convolution as the mathematics book has it: the kernel is turned round first."""

import numpy as np

CAUSE = "flips_the_kernel"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    stride, padding, dilation = (
        (v,) * axes if isinstance(v, int) else v for v in (stride, padding, dilation)
    )
    for a in range(axes):
        w = np.flip(w, a + 2)
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(x, extent, tuple(range(2, x.ndim)))
    view = view[(..., *(slice(None, None, s) for s in stride), *(slice(None) for _ in extent))]
    view = view[(..., *(slice(None, None, d) for d in dilation))]
    outputs = []
    size = len(w) // groups
    for g in range(groups):
        part = view[:, g * w.shape[1] : (g + 1) * w.shape[1]]
        axes_of_part = [1, *range(2 + axes, 2 + 2 * axes)]
        y = np.tensordot(part, w[g * size : (g + 1) * size], (axes_of_part, range(1, 2 + axes)))
        outputs.append(np.moveaxis(y, -1, 1))
    y = np.concatenate(outputs, axis=1)
    return np.ascontiguousarray(y if b is None else y + b.reshape(-1, *[1] * axes))
