"""U-Net's weight map: pixels between cells that almost touch count most.

    w(x) = w_c(x) + w0 · exp(−(d1(x) + d2(x))² / (2σ²))

w_c balances the classes; d1 and d2 are the distances to the nearest and to the second
nearest cell, so that the second term lives in the narrow gaps (Ronneberger, Fischer and Brox,
*U-Net*, 2015, equation 2, with w0 = 10 and σ ≈ 5 pixels). As in the paper's figure 3d, that
term is for background; inside cells it is 0.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .sample import renumber

REACH = 6
"""Distances are followed up to 6σ; what lies beyond adds less than w0 · e⁻¹⁸ ≈ 1.5e-8 · w0."""


def weight_map(
    instances: npt.NDArray[np.integer],
    *,
    w0: float = 10.0,
    sigma: float = 5.0,
    spacing: Sequence[float] | None = None,
) -> npt.NDArray[np.float32]:
    """Weight of every pixel in the loss.

    Parameters
    ----------
    instances : (*spatial) integer array
        Object of each pixel, 0 for background.
    w0 : float
        Height of the border term.
    sigma : float
        Its width, in pixels or in the unit of `spacing`.
    spacing : sequence of float, optional
        Distance of neighbouring pixels along each axis.

    Returns
    -------
    (*spatial) float32 array
        The class balance w_c gives all background pixels together the same weight as all cell
        pixels, and has mean 1: with n pixels, of which m are of the pixel's own kind,
        w_c = n / (2m); 1 where there is only one kind.

    Raises
    ------
    ValueError
        If σ is not positive, or `spacing` is not one positive number for each axis.

    See Also
    --------
    separate_touching : to make room for a border between cells that touch.

    Examples
    --------
    >>> row = np.array([1, 1, 0, 0, 2, 2])
    >>> weight_map(row, sigma=3.0).round(2)  # 6 / (2·2) in the gap, and 10 · exp(−3² / 18)
    array([0.75, 0.75, 7.57, 7.57, 0.75, 0.75], dtype=float32)
    """
    if sigma <= 0:
        raise ValueError(f"weight_map: sigma={sigma}, expected more than 0")
    instances = np.asarray(instances)
    if spacing is not None and (len(spacing) != instances.ndim or min(spacing) <= 0):
        raise ValueError(
            f"weight_map: spacing={spacing}, expected {instances.ndim} positive numbers"
        )
    background = instances == 0
    m = np.where(background, background.sum(), (~background).sum())  # pixels of one's own kind
    kinds = 1 if background.all() or not background.any() else 2
    d1, d2 = two_nearest(instances, REACH * sigma, spacing)
    border = w0 * np.exp(-((d1 + d2) ** 2) / (2 * sigma**2))
    return (instances.size / (kinds * m) + np.where(background, border, 0)).astype(np.float32)


def two_nearest(
    instances: npt.NDArray[np.integer], reach: float, spacing: Sequence[float] | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Distances to the nearest and the second nearest object.

    One exact Euclidean distance transform per object, but only within `reach` of the object's
    bounding box. All pixels of the object lie in that box, so a distance found there is exact;
    a pixel outside is further away than `reach`.

    Parameters
    ----------
    instances : (*spatial) integer array
        Object of each pixel, 0 for background.
    reach : float
        Up to which distance the result is needed.
    spacing : sequence of float, optional
        Distance of neighbouring pixels along each axis, 1 unless given.

    Returns
    -------
    d1, d2 : (*spatial) float64 arrays
        Exact where at most `reach`; elsewhere some greater number, perhaps infinity. Between
        pixel centres, so 0 inside an object and 1 beside it.

    Examples
    --------
    >>> two_nearest(np.array([1, 0, 0, 2]), reach=10)
    (array([0., 1., 1., 0.]), array([3., 2., 2., 3.]))
    """
    from scipy.ndimage import distance_transform_edt, find_objects

    step = (1.0,) * instances.ndim if spacing is None else tuple(spacing)
    margin = [math.ceil(reach / edge) for edge in step]
    d1, d2 = np.full(instances.shape, np.inf), np.full(instances.shape, np.inf)
    numbers = renumber(instances)
    for number, box in enumerate(find_objects(numbers), start=1):
        window = tuple(
            slice(max(side.start - more, 0), side.stop + more)
            for side, more in zip(box, margin, strict=True)
        )
        d = distance_transform_edt(numbers[window] != number, sampling=step)
        near, second = d1[window], d2[window]  # views: written in place
        second[:] = np.minimum(second, np.maximum(near, d))
        near[:] = np.minimum(near, d)
    return d1, d2


def separate_touching(instances: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Cut a line of background between objects that touch.

    A network that tells only cell from background can part two cells only if background lies
    between them. Every pixel with another object among its neighbours, diagonal ones included,
    becomes background.

    Parameters
    ----------
    instances : (*spatial) integer array
        Object of each pixel, 0 for background.

    Returns
    -------
    (*spatial) int32 array
        Numbered anew: an object that consists of its rim alone disappears.

    Examples
    --------
    >>> separate_touching(np.array([1, 1, 1, 2, 2, 0, 5]))
    array([1, 1, 0, 0, 2, 0, 3], dtype=int32)
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    numbers = renumber(instances)
    lowest = np.where(numbers == 0, numbers.max(initial=0) + 1, numbers)  # background last
    touches = maximum_filter(numbers, 3) != minimum_filter(lowest, 3)
    return renumber(np.where(touches, 0, numbers))
