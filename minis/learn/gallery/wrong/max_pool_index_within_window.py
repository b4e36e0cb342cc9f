"""Returns what argmax gives: the place in the window, not the place in the plane."""

import numpy as np

CAUSE = "counts_indices_within_the_window"


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes = x.ndim - 2
    stride = size if stride is None else stride
    k, s, p, d = (np.broadcast_to(v, axes) for v in (size, stride, padding, dilation))
    extent = d * (k - 1) + 1
    x = np.pad(x, [(0, 0), (0, 0)] + [(v, v) for v in p], constant_values=-np.inf)
    if ceil_mode:  # room for a last window, which must not start in the padding
        for a, n in enumerate(x.shape[2:]):
            left = (n - extent[a]) % s[a]
            begins = n - left - extent[a] + s[a]
            if left and begins < n - p[a]:
                more = [(0, s[a] - left if b == a + 2 else 0) for b in range(x.ndim)]
                x = np.pad(x, more, constant_values=-np.inf)
    view = np.lib.stride_tricks.sliding_window_view(x, extent, tuple(range(2, x.ndim)))
    view = view[(..., *(slice(None, None, v) for v in s), *[slice(None)] * axes)]
    view = view[(..., *(slice(None, None, v) for v in d))]
    flat = view.reshape(*view.shape[: 2 + axes], int(np.prod(k)))
    return flat.max(axis=-1), flat.argmax(axis=-1)
