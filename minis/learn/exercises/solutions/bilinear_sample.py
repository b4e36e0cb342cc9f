"""A value between the pixels.

RoIAlign reads feature maps at real coordinates. The value at (y, x) is a mean of the four cells
around it, each weighted by how near it is: with r = ⌊y⌋, s = ⌊x⌋, and the remainders a = y − r,
b = x − s,

    (1 − a)(1 − b)·f[r, s] + (1 − a)·b·f[r, s + 1] + a·(1 − b)·f[r + 1, s] + a·b·f[r + 1, s + 1]

At the border, as torchvision does: a point more than one cell outside (y < −1, y > H, likewise
x) counts as 0; any other is moved into 0 … H − 1 first.
"""

import numpy as np


def bilinear_sample(f: np.ndarray, y: float, x: float) -> float:
    """Return the value of the map f (H, W) at row y and column x, as a float.

    >>> bilinear_sample(np.array([[0.0, 1.0], [2.0, 3.0]]), 0.5, 0.25)
    1.25
    """
    # your turn
    h, v = f.shape
    if y < -1 or y > h or x < -1 or x > v:
        return 0.0
    y, x = min(max(y, 0), h - 1), min(max(x, 0), v - 1)
    r, s = int(y), int(x)
    below, right = min(r + 1, h - 1), min(s + 1, v - 1)
    a, b = y - r, x - s
    above = (1 - b) * f[r, s] + b * f[r, right]
    return float((1 - a) * above + a * ((1 - b) * f[below, s] + b * f[below, right]))
    # end of your turn


# hint: First the two rules of the border; then r and s are never negative.
# hint: In the last row there is no r + 1; its weight a is 0 there, so any row may stand in for
#     it.
