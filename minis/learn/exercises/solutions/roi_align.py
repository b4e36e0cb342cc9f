"""RoIAlign: a box of any size, read as a grid of fixed size.

Multiply the box by `spatial_scale` to have it in cells of the map; with `aligned`, subtract
half a cell, as the centre of cell 0 lies at 0.5 in the box's coordinates; without, take its
width and height to be at least 1. Divide it into PH × PW bins. In each bin, take
`sampling_ratio` × as many points, evenly: of 2 points, at 1/4 and 3/4 of the bin. A bin's value
is the mean of its points, each read as in the exercise before this one.
"""

import numpy as np


def roi_align(x, boxes, output_size, *, spatial_scale=1.0, sampling_ratio=2, aligned=False):
    """Read the boxes (R, 5), rows (n, x1, y1, x2, y2), from x (N, C, H, W).

    `output_size` is (PH, PW), `sampling_ratio` at least 1. Return (R, C, PH, PW).
    """
    # your turn
    (ph, pw), (h, v), k = output_size, x.shape[2:], sampling_ratio
    result = np.zeros((len(boxes), x.shape[1], ph, pw), x.dtype)
    for r, (n, x1, y1, x2, y2) in enumerate(np.asarray(boxes, np.float64)):
        rows = bin_weights(y1, y2, ph, k, h, spatial_scale, aligned)  # (PH, H)
        columns = bin_weights(x1, x2, pw, k, v, spatial_scale, aligned)  # (PW, W)
        result[r] = rows @ np.asarray(x[int(n)], np.float64) @ columns.T
    return result


def bin_weights(low, high, bins, k, size, scale, aligned):
    """Return the weight of each of an axis' cells in each of its bins: (bins, size)."""
    low, high = low * scale - 0.5 * aligned, high * scale - 0.5 * aligned
    length = high - low if aligned else max(high - low, 1.0)
    weights = np.zeros((bins, size))
    for i in range(bins):
        for j in range(k):
            at = low + (i + (j + 0.5) / k) * length / bins
            if at < -1 or at > size:
                continue
            at = min(max(at, 0), size - 1)
            cell = int(at)
            weights[i, cell] += (1 - (at - cell)) / k
            weights[i, min(cell + 1, size - 1)] += (at - cell) / k
    return weights
    # end of your turn


# hint: Loops over boxes, bins and points, and a function that reads all channels at one point,
#     are enough. Points of bin i lie at low + (i + (j + ½) / sampling_ratio) · length / bins.
# hint: Bilinear weights are a row's weight times a column's, and so is a point being outside.
#     So each axis can be done alone: a matrix (bins, cells) for rows, one for columns.
# hint: y = rows · x · columnsᵀ, with rows (PH, H) and columns (PW, W).
