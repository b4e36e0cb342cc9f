"""Bring the intensities of any camera to 0…1."""

import numpy as np
import numpy.typing as npt


def stretch(
    image: npt.NDArray[np.floating], low: float = 1.0, high: float = 99.8
) -> npt.NDArray[np.float32]:
    """Map two percentiles of an image to 0 and 1, and cut off what lies beyond.

    Microscopes often use a small part of sixteen bits, differently from image to image.

    Parameters
    ----------
    image : (C, *spatial) floating array
    low, high : float
        Percentiles in 0…100, of each channel by itself.

    Returns
    -------
    (C, *spatial) float32 array
        In 0…1; a channel whose two percentiles agree becomes 0.

    Examples
    --------
    >>> stretch(np.array([[10.0, 20.0, 30.0]]), low=0, high=100)
    array([[0. , 0.5, 1. ]], dtype=float32)
    """
    axes = tuple(range(1, image.ndim))
    bottom, top = np.percentile(image, [low, high], axis=axes, keepdims=True)
    width = np.where(top > bottom, top - bottom, np.inf)
    return np.clip((image - bottom) / width, 0, 1).astype(np.float32)
