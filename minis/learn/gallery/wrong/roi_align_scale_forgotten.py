"""Reads the map at the boxes' places in the image: spatial_scale appears in no line."""

import numpy as np

CAUSE = "forgets_the_scale"


def _weights(at, size):
    matrix = np.zeros((len(at), size))  # (samples, cells)
    for s, place in enumerate(at):
        if -1 <= place <= size:
            place = min(max(place, 0), size - 1)
            low = int(place)
            matrix[s, low] += 1 - (place - low)
            matrix[s, min(low + 1, size - 1)] += place - low
    return matrix


def roi_align(x, boxes, output_size, *, spatial_scale=1.0, sampling_ratio=-1, aligned=False):
    bins = (output_size, output_size) if isinstance(output_size, int) else output_size
    y = np.zeros((len(boxes), x.shape[1], *bins), x.dtype)
    for r, (n, left, top, right, bottom) in enumerate(boxes.tolist()):
        means = []
        for axis, (low, high) in enumerate([(top, bottom), (left, right)]):
            low, high = low - aligned / 2, high - aligned / 2
            length = (high - low if aligned else max(high - low, 1.0)) / bins[axis]
            count = sampling_ratio if sampling_ratio > 0 else max(int(np.ceil(length)), 0)
            at = [
                low + (i + (k + 0.5) / count) * length
                for i in range(bins[axis])
                for k in range(count)
            ]
            matrix = _weights(at, x.shape[axis + 2]).reshape(bins[axis], count, x.shape[axis + 2])
            means.append(matrix.sum(axis=1) / max(count, 1))
        y[r] = means[0] @ x[int(n)] @ means[1].T
    return y
