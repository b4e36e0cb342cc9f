"""The backward of RoIAlign.

RoIAlign is linear in x: each output is a weighted sum of cells. So its backward is the
transpose: each dy goes back to the cells that it was read from, with the same weights, and
where boxes overlap, what comes back adds. The boxes themselves get no gradient.
"""

import numpy as np

# from the exercise before: the weight of each of an axis' cells in each of its bins, (bins, size),
# called bin_weights(low, high, bins, sampling_ratio, size, spatial_scale, aligned)
from minis.learn.exercises.solutions.roi_align import bin_weights


def roi_align_backward(
    dy, boxes, input_shape, *, spatial_scale=1.0, sampling_ratio=2, aligned=False
):
    """Send dy (R, C, PH, PW) back; return dx of `input_shape` (N, C, H, W).

    `boxes` is (R, 5), rows (n, x1, y1, x2, y2); `sampling_ratio` is at least 1.
    """
    # your turn
    (ph, pw), (h, v), k = dy.shape[2:], input_shape[2:], sampling_ratio
    dx = np.zeros(input_shape, np.float64)
    for r, (n, x1, y1, x2, y2) in enumerate(np.asarray(boxes, np.float64)):
        rows = bin_weights(y1, y2, ph, k, h, spatial_scale, aligned)  # (PH, H)
        columns = bin_weights(x1, x2, pw, k, v, spatial_scale, aligned)  # (PW, W)
        dx[int(n)] += rows.T @ np.asarray(dy[r], np.float64) @ columns
    return dx.astype(dy.dtype)

    # end of your turn


# hint: With rows = bin_weights(y1, y2, PH, …) and columns likewise, RoIAlign of one channel of
#     one box is rows · x · columnsᵀ: of shapes (PH, H) · (H, W) · (W, PW).
# hint: An output is a sum of rows[i, r] · x[r, s] · columns[j, s]. So x[r, s] gets back the sum
#     over (i, j) of rows[i, r] · dy[i, j] · columns[j, s]: rowsᵀ · dy · columns.
# hint: Several boxes of one image: `+=`. Add in float64, round once at the end.
