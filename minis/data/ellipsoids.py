"""Ellipsoids: bright bodies in a volume whose slices lie further apart than its pixels.

Medical volumes are rarely isotropic. Here voxels measure 2.5 × 1 × 1 mm unless told
otherwise; bodies are round in millimetres and therefore flat in voxels.
"""

import math

import numpy as np

from .drawing import blur, clouds
from .generated import Generated
from .sample import Sample, renumber


class Ellipsoids(Generated):
    """Volumes with ellipsoids in random positions and directions.

    Samples have one channel in 0…1, the classes background and ellipsoid, instances, and a
    spacing in millimetres.

    Parameters
    ----------
    length : int
        Number of volumes.
    size : (D, H, W)
        At least 4 × 8 × 8 voxels.
    spacing : three floats
        Edges of a voxel in millimetres.
    count : (least, most)
        Ellipsoids painted in a volume; later ones cover earlier ones.
    noise : float
        Standard deviation of the noise.
    seed : int

    Examples
    --------
    >>> volume = Ellipsoids(10)[0]
    >>> volume.image.shape, volume.spacing
    ((1, 24, 48, 48), (2.5, 1.0, 1.0))
    """

    classes = ("background", "ellipsoid")
    in_channels = 1
    least = (4, 8, 8)

    def __init__(
        self,
        length: int = 100,
        *,
        size: tuple[int, int, int] = (24, 48, 48),
        spacing: tuple[float, float, float] = (2.5, 1.0, 1.0),
        count: tuple[int, int] = (2, 5),
        noise: float = 0.06,
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        self.spacing = tuple(float(edge) for edge in spacing)
        self.count = count
        self.noise = noise

    def draw(self, rng: np.random.Generator, name: str) -> Sample:
        """Fill the ellipsoids, blur by one millimetre, add noise."""
        extent = np.multiply(self.size, self.spacing)  # millimetres
        place = np.stack(
            np.meshgrid(
                *(edge * np.arange(n) for edge, n in zip(self.spacing, self.size, strict=True)),
                indexing="ij",
            )
        )  # (3, D, H, W), millimetres
        instances = np.zeros(self.size, np.int32)
        image = 0.2 + 0.2 * clouds(self.size, rng)
        for number in range(1, rng.integers(self.count[0], self.count[1], endpoint=True) + 1):
            radii = rng.uniform(0.12, 0.28, 3) * extent.min()
            centre = rng.uniform(0.15, 0.85, 3) * extent
            inside = self._inside(place, centre, radii, rng)
            image[inside] = rng.uniform(0.5, 0.8)
            instances[inside] = number
        image = blur(image, [1 / edge for edge in self.spacing])
        image += self.noise * rng.standard_normal(self.size)
        return Sample(
            np.clip(image, 0, 1).astype(np.float32)[None],
            (instances > 0).astype(np.int64),
            renumber(instances),
            spacing=self.spacing,
            name=name,
        )

    @staticmethod
    def _inside(
        place: np.ndarray, centre: np.ndarray, radii: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Voxels p with ‖diag(1/radii) R (p − centre)‖ ≤ 1, R a random turn."""
        a, b, c = rng.uniform(0, 2 * math.pi, 3)
        about_z = np.array(
            [[1, 0, 0], [0, math.cos(a), -math.sin(a)], [0, math.sin(a), math.cos(a)]]
        )
        about_x = np.array(
            [[math.cos(b), -math.sin(b), 0], [math.sin(b), math.cos(b), 0], [0, 0, 1]]
        )
        about_y = np.array(
            [[math.cos(c), 0, -math.sin(c)], [0, 1, 0], [math.sin(c), 0, math.cos(c)]]
        )
        turn = about_z @ about_x @ about_y / radii[:, None]  # (3, 3)
        moved = np.einsum("ij,jdhw->idhw", turn, place - centre.reshape(3, 1, 1, 1))
        return (moved**2).sum(axis=0) <= 1
