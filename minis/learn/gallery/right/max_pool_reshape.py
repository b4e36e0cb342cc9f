"""Max pooling by reshaping: disjoint tiles are cut from x after its cells were laid out in them."""

import numpy as np


def max_pool(x, size, *, stride=None, padding=0, dilation=1, ceil_mode=False):
    axes, plane = x.ndim - 2, x.shape[2:]
    stride = size if stride is None else stride
    k, s, p, d = (np.broadcast_to(v, axes) for v in (size, stride, padding, dilation))
    tiles, numbers = x, np.arange(int(np.prod(plane))).reshape(plane)
    out = []
    for a in range(axes):  # repeat cells that several windows share; what is outside gets −inf
        room = plane[a] + 2 * p[a] - d[a] * (k[a] - 1) - 1
        count = room // s[a] + 1
        count += ceil_mode and room % s[a] > 0 and count * s[a] - p[a] < plane[a]
        at = (np.arange(count)[:, None] * s[a] + np.arange(k[a]) * d[a] - p[a]).ravel()
        outside = (at < 0) | (at >= plane[a])
        at = np.clip(at, 0, plane[a] - 1)
        wall = np.where(outside, -np.inf, np.inf).astype(x.dtype)
        wall = wall.reshape(-1, *[1] * (axes - a - 1))
        tiles = np.minimum(tiles.take(at, axis=a + 2), wall)
        numbers = np.where(wall < 0, -1, numbers.take(at, axis=a))
        out.append(count)
    order = [*range(0, 2 * axes, 2), *range(1, 2 * axes, 2)]
    shape = [v for pair in zip(out, k, strict=True) for v in pair]
    numbers = numbers.reshape(shape).transpose(order).reshape(*out, int(np.prod(k)))
    tiles = tiles.reshape(*x.shape[:2], *shape).transpose(0, 1, *(v + 2 for v in order))
    tiles = tiles.reshape(*x.shape[:2], *out, int(np.prod(k)))
    tiles = np.where(numbers < 0, -np.inf, tiles).astype(x.dtype)  # a NaN stays inside
    winner = (tiles == tiles.max(axis=-1, keepdims=True)) & (numbers >= 0)
    nan = np.isnan(tiles)
    last_nan = nan.shape[-1] - 1 - nan[..., ::-1].argmax(axis=-1)
    winner = np.where(nan.any(axis=-1), last_nan, winner.argmax(axis=-1))[..., None]
    y = np.take_along_axis(tiles, winner, axis=-1)[..., 0]
    return y, np.take_along_axis(np.broadcast_to(numbers, tiles.shape), winner, axis=-1)[..., 0]
