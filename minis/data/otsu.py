"""Otsu's threshold: segmentation without learning, the baseline to beat.

    t* = argmax over t of  w0(t) · w1(t) · (μ0(t) − μ1(t))²

The threshold splits the histogram into a dark and a bright part, of weights w0 and w1 and
means μ0 and μ1; the best one makes the variance between the two parts largest (Otsu,
*A threshold selection method from gray-level histograms*, 1979).
"""

import numpy as np
import numpy.typing as npt


def otsu_threshold(image: npt.ArrayLike, bins: int = 256) -> float:
    """Threshold that best splits an image's intensities in two.

    Parameters
    ----------
    image : array of any shape
        Intensities.
    bins : int
        Cells of the histogram, evenly spread from the least to the greatest intensity.

    Returns
    -------
    float
        `image > threshold` is the bright part. For a constant image, that constant.

    Raises
    ------
    ValueError
        If the image is empty or holds NaN or infinity.

    Examples
    --------
    >>> image = np.array([0.0, 0.1, 0.2, 0.8, 0.9, 1.0])
    >>> image > otsu_threshold(image)
    array([False, False, False,  True,  True,  True])
    """
    image = np.asarray(image, dtype=float)
    if not image.size or not np.isfinite(image).all():
        raise ValueError(f"otsu_threshold: image of shape {image.shape} is empty or not finite")
    low, high = image.min(), image.max()
    if low == high:
        return float(low)
    counts, edges = np.histogram(image, bins, (low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    dark = np.cumsum(counts)[:-1]  # pixels up to and including cell t
    bright = image.size - dark
    sums = np.cumsum(counts * centres)
    dark_mean = sums[:-1] / dark
    bright_mean = (sums[-1] - sums[:-1]) / bright
    between = dark * bright * (dark_mean - bright_mean) ** 2  # (bins − 1,)
    return float(edges[1 + np.argmax(between)])
