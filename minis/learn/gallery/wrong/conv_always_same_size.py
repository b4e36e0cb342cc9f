"""Pads by half the kernel, because that was right in the network of the course."""

import numpy as np

CAUSE = "pads_for_the_same_size"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    stride = (stride,) * axes if isinstance(stride, int) else stride
    dilation = (dilation,) * axes if isinstance(dilation, int) else dilation
    half = [k // 2 for k in w.shape[2:]]
    x = np.pad(x, [(0, 0), (0, 0), *((h, h) for h in half)])
    places = []
    for size, k, s, d in zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True):
        starts = range(0, size - d * (k - 1), s)
        if not starts:
            raise ValueError(f"no room for a kernel of {k} in {size} pixels")
        places.append(starts)
    y = np.empty((len(x), len(w), *map(len, places)), x.dtype)
    for at in np.ndindex(*y.shape[2:]):
        corner = [places[a][at[a]] for a in range(axes)]
        cut = [
            slice(f, f + d * (k - 1) + 1, d)
            for f, d, k in zip(corner, dilation, w.shape[2:], strict=True)
        ]
        for g, filters in enumerate(np.split(w, groups)):
            patch = x[(slice(None), slice(g * w.shape[1], (g + 1) * w.shape[1]), *cut)]
            width = len(filters)
            answer = patch.reshape(len(x), filters[0].size) @ filters.reshape(width, -1).T
            y[(slice(None), slice(g * width, (g + 1) * width), *at)] = answer
    return y if b is None else y + b.reshape(-1, *[1] * axes)
