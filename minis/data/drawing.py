"""Drawing in NumPy: ellipses, polygons, light, blur.

Shapes are boolean masks of a whole picture. Pixel (i, j) is the point (i, j): rows grow
downwards, and a shape holds the pixels whose points lie inside it.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def ellipse(
    size: Sequence[int],
    centre: Sequence[float] | npt.NDArray[np.floating],
    radii: Sequence[float],
    angle: float = 0.0,
) -> npt.NDArray[np.bool_]:
    """Fill an ellipse.

    Parameters
    ----------
    size : (H, W)
    centre : (y, x)
    radii : two floats
        Along y and x before the turn.
    angle : float
        Turn in radians.

    Returns
    -------
    (H, W) bool array

    Examples
    --------
    >>> ellipse((3, 5), centre=(1, 2), radii=(0.5, 1)).astype(int)
    array([[0, 0, 0, 0, 0],
           [0, 1, 1, 1, 0],
           [0, 0, 0, 0, 0]])
    """
    y, x = np.ogrid[: size[0], : size[1]]
    y, x = y - centre[0], x - centre[1]
    c, s = math.cos(angle), math.sin(angle)
    return ((c * y + s * x) / radii[0]) ** 2 + ((c * x - s * y) / radii[1]) ** 2 <= 1


def polygon(
    size: Sequence[int], corners: npt.NDArray[np.floating] | Sequence[Sequence[float]]
) -> npt.NDArray[np.bool_]:
    """Fill a convex polygon: the pixels on the inner side of every edge.

    Parameters
    ----------
    size : (H, W)
    corners : (n, 2) floats
        Corners (y, x) in order around the polygon, either way.

    Returns
    -------
    (H, W) bool array

    Examples
    --------
    >>> polygon((3, 4), [(0, 0), (0, 2), (2, 0)]).astype(int)
    array([[1, 1, 1, 0],
           [1, 1, 0, 0],
           [1, 0, 0, 0]])
    """
    y, x = np.ogrid[: size[0], : size[1]]
    points = np.asarray(corners, float)
    (ys, xs), (next_ys, next_xs) = points.T, np.roll(points, -1, axis=0).T
    area = np.sum(ys * next_xs - next_ys * xs)  # its sign is the way around
    inside = np.ones(size, bool)
    for y0, x0, y1, x1 in zip(ys, xs, next_ys, next_xs, strict=True):
        inside &= np.sign(area) * ((y - y0) * (x1 - x0) - (x - x0) * (y1 - y0)) <= 0
    return inside


def rectangle(
    size: Sequence[int], top: float, left: float, bottom: float, right: float
) -> npt.NDArray[np.bool_]:
    """Fill an upright rectangle, its edges included.

    Examples
    --------
    >>> rectangle((2, 4), top=0, left=1, bottom=0.5, right=2).astype(int)
    array([[0, 1, 1, 0],
           [0, 0, 0, 0]])
    """
    y, x = np.ogrid[: size[0], : size[1]]
    return (top <= y) & (y <= bottom) & (left <= x) & (x <= right)


def blur(
    image: npt.NDArray[np.floating], sigma: float | Sequence[float]
) -> npt.NDArray[np.float64]:
    """Blur along the last axes with a Gaussian, the image continued mirrored beyond its edges.

    Parameters
    ----------
    image : (..., *spatial) floating array
    sigma : float, or one float for each of the last axes
        Standard deviations in pixels; a single one is for two axes; 0 leaves an axis as it is.

    Returns
    -------
    float64 array of the same shape

    Examples
    --------
    >>> blur(np.array([[0.0, 0, 4, 0, 0]]), (0, 0.5)).round(2)
    array([[0.  , 0.43, 3.15, 0.43, 0.  ]])
    """
    deviations = (sigma, sigma) if isinstance(sigma, int | float) else tuple(sigma)
    y = np.asarray(image, float)
    for axis, deviation in enumerate(deviations, start=y.ndim - len(deviations)):
        reach = math.ceil(3 * deviation)
        if not reach:
            continue
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
        margins = [(reach, reach) if a == axis else (0, 0) for a in range(y.ndim)]
        padded = np.pad(y, margins, mode="symmetric")
        window = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis)
        y = window @ (kernel / kernel.sum())  # (..., n, 2 reach + 1) · (2 reach + 1)
    return y


def clouds(
    size: tuple[int, ...], rng: np.random.Generator, cells: int = 4
) -> npt.NDArray[np.float64]:
    """Uneven light: smooth random values in 0…1, linear between a few random points an axis.

    Parameters
    ----------
    size : tuple of int
        Spatial shape.
    rng : numpy.random.Generator
    cells : int
        Random points along each axis, two at least.

    Returns
    -------
    (*size) float64 array

    Examples
    --------
    >>> clouds((3, 3), np.random.default_rng(0), cells=2).shape
    (3, 3)
    """
    y = rng.random((cells,) * len(size))
    for axis, n in enumerate(size):
        place = np.linspace(0, cells - 1, n)
        left = np.minimum(place.astype(int), cells - 2)
        share = (place - left).reshape([-1 if a == axis else 1 for a in range(y.ndim)])
        y = (1 - share) * y.take(left, axis) + share * y.take(left + 1, axis)
    return y
