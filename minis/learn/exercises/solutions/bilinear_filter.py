"""The filter that makes a transposed convolution interpolate.

FCN makes its small maps as large as the picture with a transposed convolution of stride
`factor` whose filter is a tent: it falls evenly from the middle to 0 one stride away. Two
neighbouring tents then add up to 1 everywhere between their tops, in proportion to how near
each top is.

A filter has 2·factor − factor % 2 cells on a side: an even number for an even factor, an odd
one for an odd factor, so that what it stamps can be cut evenly on both sides. An odd side has
its top, 1, on the middle cell; an even one has it between the two middle cells.
"""

import numpy as np


def bilinear_filter(factor: int) -> np.ndarray:
    """Return the (K, K) float64 filter for a stride of `factor`, K = 2·factor − factor % 2.

    >>> bilinear_filter(2)[1]
    array([0.1875, 0.5625, 0.5625, 0.1875])
    """
    # your turn
    k = 2 * factor - factor % 2
    centre = (k - 1) / 2
    tent = 1 - abs(np.arange(k) - centre) / factor
    return tent[:, None] * tent[None, :]
    # end of your turn


# hint: The middle of cells 0 … K − 1 is (K − 1) / 2, whether K is odd or even.
# hint: Along one axis, a cell at distance d from the middle gets 1 − d / factor.
# hint: In two dimensions: the product of the row's number and the column's.
