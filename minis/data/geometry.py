"""Where a volume lies: the size of its voxels, and how their axes run through the body.

A NIfTI file says it twice, as spacing and as an affine map from voxel indices to millimetres
whose axes point right, anterior and superior. The spacing is the voxel's physical size; the map
may hold another scale, where it leads into the space of a template.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .packages import require

MILLIMETRES = {1: 1000.0, 3: 0.001}
"""What one unit of a NIfTI file is: code 1 is metres, 3 micrometres, any other millimetres."""

FIELDS = (
    *("pixdim", "xyzt_units", "qform_code", "sform_code"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("srow_x", "srow_y", "srow_z"),
)
"""The fields of a NIfTI header that say where its voxels lie."""


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where a volume lies; what is written with it lies in the same place.

    Parameters
    ----------
    header : nibabel.Nifti1Header or nibabel.Nifti2Header
        Only what it says of space is kept: no name, no date, no comment.

    Examples
    --------
    >>> Geometry.from_spacing((1.0, 1.0, 2.5))
    Geometry(1 × 1 × 2.5 mm, axes not named)
    """

    header: Any

    def __post_init__(self) -> None:
        """Keep the fields of space in a header of one's own."""
        clean = type(self.header)()
        for field in FIELDS:
            clean[field] = self.header[field]
        clean["pixdim"][4:] = 1
        object.__setattr__(self, "header", clean)

    @classmethod
    def from_spacing(cls, spacing: Sequence[float]) -> "Geometry":
        """Describe voxels of a size in millimetres, of which nothing else is known.

        Raises
        ------
        ValueError
            Unless there are three finite numbers above 0.
        """
        header = require("nibabel", "Geometry").Nifti1Header()
        header["pixdim"][1:4] = check_spacing("Geometry", spacing)
        header["xyzt_units"] = 2
        return cls(header)

    @classmethod
    def from_affine(cls, affine: npt.ArrayLike) -> "Geometry":
        """Describe voxels by the map from their indices to millimetres.

        Parameters
        ----------
        affine : (4, 4) array
            Its result points right, anterior and superior, as nibabel's affines do.

        Raises
        ------
        ValueError
            If it maps a voxel's edge to nothing.

        Examples
        --------
        >>> Geometry.from_affine(np.diag([-2.0, 2.0, 2.0, 1.0]))
        Geometry(2 × 2 × 2 mm, axes LAS)
        """
        matrix = np.asarray(affine, float)
        header = require("nibabel", "Geometry").Nifti1Header()
        header["pixdim"][1:4] = check_spacing("Geometry", np.linalg.norm(matrix[:3, :3], axis=0))
        header["xyzt_units"] = 2
        header.set_sform(matrix, code="aligned")
        return cls(header)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Edges of a voxel in millimetres."""
        # the shortest decimal that the stored number stands for: 0.7, not 0.699999988
        i, j, k = (round(float(str(edge)) * self._unit, 9) for edge in self.header["pixdim"][1:4])
        return i, j, k

    @property
    def affine(self) -> npt.NDArray[np.float64]:
        """(4, 4) map from voxel indices to millimetres: right, anterior, superior."""
        return np.diag([self._unit] * 3 + [1.0]) @ self.header.get_best_affine()

    @property
    def orientation(self) -> str | None:
        """Where the three axes point: "RAS" is right, anterior, superior; None if unknown."""
        if not (self.header["qform_code"] > 0 or self.header["sform_code"] > 0):
            return None
        affine = self.affine
        if not np.isfinite(affine).all() or not np.linalg.det(affine):
            return None
        codes = require("nibabel", "Geometry").aff2axcodes(affine)
        return None if None in codes else "".join(codes)

    @property
    def _unit(self) -> float:
        return MILLIMETRES.get(int(self.header["xyzt_units"]) & 7, 1.0)

    def difference(self, other: "Geometry", shape: Sequence[int]) -> str | None:
        """Say how two volumes of one shape lie otherwise, None if they don't.

        Parameters
        ----------
        other : Geometry
        shape : three ints
            Voxels along each axis.

        Returns
        -------
        str or None
            About the spacing, if an edge differs by more than a thousandth; else about the place,
            if a corner lies more than a tenth of a voxel away.

        Examples
        --------
        >>> thin, thick = (Geometry.from_spacing((1, 1, edge)) for edge in (1, 5))
        >>> thin.difference(thick, (8, 8, 8))
        'voxels of 1 × 1 × 1 mm, not of 1 × 1 × 5 mm'
        """
        ours, theirs = self.spacing, other.spacing
        if not np.allclose(ours, theirs, rtol=1e-3, atol=0):
            return f"voxels of {millimetres(ours)}, not of {millimetres(theirs)}"
        if self.orientation is None or other.orientation is None:
            return None
        corners = np.array([*np.ndindex(2, 2, 2)]) * (np.array(shape) - 1)  # (8, 3)
        apart = corners @ (self.affine - other.affine)[:3, :3].T  # (8, 3) · (3, 3)
        apart += (self.affine - other.affine)[:3, 3]
        furthest = float(np.linalg.norm(apart, axis=1).max())
        if furthest <= 0.1 * min(ours):
            return None
        return (
            f"axes {self.orientation}, a corner {furthest:.3g} mm from where it is with axes "
            f"{other.orientation}"
        )

    def __repr__(self) -> str:
        """One line."""
        axes = f"axes {self.orientation}" if self.orientation else "axes not named"
        return f"Geometry({millimetres(self.spacing)}, {axes})"


def check_spacing(name: str, spacing: Sequence[float] | npt.NDArray[Any]) -> tuple[float, ...]:
    """Return three edges of a voxel as floats, or raise ValueError.

    Examples
    --------
    >>> check_spacing("x.nii", (1, 1, 0))
    Traceback (most recent call last):
    ValueError: x.nii: spacing 1 × 1 × 0 mm; expected three finite numbers above 0
    """
    edges = tuple(float(edge) for edge in spacing)
    if len(edges) != 3 or not all(np.isfinite(edge) and edge > 0 for edge in edges):
        raise ValueError(
            f"{name}: spacing {millimetres(edges)}; expected three finite numbers above 0"
        )
    return edges


def millimetres(spacing: Sequence[float]) -> str:
    """Write a voxel's edges.

    Examples
    --------
    >>> millimetres((1.0, 1.0, 2.5))
    '1 × 1 × 2.5 mm'
    """
    return " × ".join(f"{edge:g}" for edge in spacing) + " mm"
