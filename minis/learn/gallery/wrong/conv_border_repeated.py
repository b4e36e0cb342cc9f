"""The padding is filled with the nearest pixel, as an image editor does it."""

import numpy as np

CAUSE = "pads_by_repeating_the_border"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    axes = x.ndim - 2
    stride, padding, dilation = (
        [v] * axes if isinstance(v, int) else list(v) for v in (stride, padding, dilation)
    )
    columns = x
    for a in range(axes):  # one axis at a time: (N, C, out…, k…)
        size, k = x.shape[a + 2], w.shape[a + 2]
        out = (size + 2 * padding[a] - dilation[a] * (k - 1) - 1) // stride[a] + 1
        i = np.arange(out)[:, None] * stride[a] + np.arange(k) * dilation[a] - padding[a]
        i = np.clip(i, 0, size - 1)
        columns = np.moveaxis(columns.take(i, axis=a + 2), a + 3, -1)
    n, out = len(x), columns.shape[2 : 2 + axes]
    rows = np.moveaxis(columns, 1, 1 + axes)  # (N, out…, C, k…)
    rows = rows.reshape(n, int(np.prod(out)), groups, int(np.prod(w.shape[1:])))
    filters = w.reshape(groups, len(w) // groups, -1)
    y = np.einsum("npgk,gok->ngop", rows, filters).reshape(n, len(w), *out)
    return y if b is None else y + b.reshape(1, -1, *[1] * axes)
