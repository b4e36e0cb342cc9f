"""Written for pictures: unpacks four axes, and meets a signal of one."""

import numpy as np

KIND = "exception"


def conv(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    n, _, h, width = x.shape
    (sy, sx), (py, px), (dy, dx) = (np.broadcast_to(v, 2) for v in (stride, padding, dilation))
    o, per_group, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (py, py), (px, px)))
    rows = (h + 2 * py - dy * (kh - 1) - 1) // sy + 1
    columns = (width + 2 * px - dx * (kw - 1) - 1) // sx + 1
    y = np.zeros((n, o, rows, columns), x.dtype)
    for f in range(o):
        first = f // (o // groups) * per_group
        for k in range(per_group):
            for i in range(kh):
                for j in range(kw):
                    seen = x[:, first + k, i * dy :: sy, j * dx :: sx][:, :rows, :columns]
                    y[:, f] += w[f, k, i, j] * seen
    return y if b is None else y + b[:, None, None]
