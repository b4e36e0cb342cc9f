"""Elastic deformation: tissue bends, and an annotation bends with it.

    y(p) = x(p + u(p))

The displacement u is smooth: random vectors on a coarse 3 × 3 grid, normal with a standard
deviation of 10 pixels, between which cubic splines interpolate. Ronneberger, Fischer and
Brox trained U-Net on 30 images with it (*U-Net*, 2015, section 3.1).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .sample import Sample


def elastic(
    sample: Sample,
    rng: np.random.Generator,
    *,
    sigma: float | Sequence[float] = 10.0,
    grid: int = 3,
    order: int = 1,
) -> Sample:
    """Deform a sample by a random smooth displacement.

    Parameters
    ----------
    sample : Sample
        Two or three spatial axes.
    rng : numpy.random.Generator
    sigma : float or one float per spatial axis
        Standard deviation of the grid's displacements in pixels. The default suits 512 × 512
        pixels; smaller images and thick slices want less.
    grid : int
        Grid points along each axis, two at least; the outermost lie on the image's edges.
    order : {1, 3}
        Interpolation of the image: linear, or cubic splines, whose overshoot is cut off.

    Returns
    -------
    Sample
        Labels and instances come from the nearest pixel, so no new value arises. Beyond its
        border the image continues mirrored. Objects that vanish leave no gap in the numbers.

    Raises
    ------
    ValueError
        If `sigma` is negative or not one number or one an axis, or the grid has fewer than two
        points.

    Examples
    --------
    >>> from minis.data import Cells
    >>> cells = Cells(1)[0]
    >>> bent = elastic(cells, np.random.default_rng(0), sigma=4)
    >>> bent.size == cells.size, bool((bent.labels == cells.labels).all())
    (True, False)
    """
    dims = len(sample.size)
    if np.shape(sigma) not in ((), (dims,)) or np.min(sigma) < 0 or grid < 2:
        raise ValueError(
            f"elastic: sigma={sigma}, grid={grid}; expected one sigma, or one for each of the "
            f"{dims} axes, not negative, and at least 2 grid points"
        )
    deviations = np.broadcast_to(np.asarray(sigma, float), (dims,))
    coarse = rng.standard_normal((dims, *(grid,) * dims))  # (D, grid, …, grid)
    coarse *= deviations.reshape(-1, *(1,) * dims)
    return deform(sample, displacement(coarse, sample.size), order=order)


def displacement(
    coarse: npt.NDArray[np.floating], size: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    """Interpolate the vectors of a coarse grid for every pixel, by cubic splines.

    Parameters
    ----------
    coarse : (D, g, …, g) floating array
        Displacement along each of the D axes at the grid points, in pixels; g of 2 or more.
    size : tuple of D ints
        The image's spatial shape.

    Returns
    -------
    (D, *size) float64 array

    Examples
    --------
    >>> displacement(np.full((2, 3, 3), 2.0), (4, 5)).round(6)[0, 1]
    array([2., 2., 2., 2., 2.])
    """
    from scipy.ndimage import map_coordinates

    axes = [np.linspace(0, g - 1, n) for g, n in zip(coarse.shape[1:], size, strict=True)]
    place = np.stack(np.meshgrid(*axes, indexing="ij"))  # (D, *size): where in the grid a pixel is
    return np.stack([map_coordinates(one, place, order=3, mode="nearest") for one in coarse])


def deform(sample: Sample, offset: npt.NDArray[np.floating], *, order: int = 1) -> Sample:
    """Read every pixel of a sample at its own place plus an offset.

    Parameters
    ----------
    sample : Sample
    offset : (D, *size) floating array
        Displacement in pixels along each axis.
    order : {1, 3}
        Interpolation of the image.

    Returns
    -------
    Sample

    Examples
    --------
    >>> row = np.arange(4)[None]
    >>> sample = Sample((row[None] / 4).astype(np.float32), row)
    >>> deform(sample, np.stack([np.zeros((1, 4)), np.ones((1, 4))])).labels  # mirrored at 3
    array([[1, 2, 3, 2]])
    """
    from scipy.ndimage import map_coordinates

    place = np.indices(sample.size) + offset  # (D, *size)

    def read(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        flat = array.reshape(-1, *sample.size)
        moved = np.empty_like(flat)
        spline = order if array.dtype.kind == "f" else 0  # whole numbers have nothing between them
        for one, there in zip(moved, flat, strict=True):
            map_coordinates(there, place, output=one, order=spline, mode="mirror")
        return moved.reshape(array.shape)

    moved = sample.map(read)
    return replace(moved, image=np.clip(moved.image, sample.image.min(), sample.image.max()))
