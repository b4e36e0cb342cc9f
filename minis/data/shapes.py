"""Shapes: circles, squares and triangles, each with its exact mask and class.

Colours, sizes and angles are random, so that form alone tells the class. Later shapes cover
earlier ones.
"""

import math

import numpy as np
import numpy.typing as npt

from .drawing import clouds, ellipse, polygon
from .generated import Generated
from .sample import Sample, renumber


class Shapes(Generated):
    """Scenes of coloured shapes on an uneven ground.

    Samples have three channels in 0…1, the classes background, circle, square, triangle, and
    instances; a shape that others cover wholly is not listed.

    Parameters
    ----------
    length : int
        Number of scenes.
    size : (H, W)
        At least 16 × 16.
    count : (least, most)
        Shapes painted in a scene.
    noise : float
        Standard deviation of the noise.
    seed : int

    Examples
    --------
    >>> scene = Shapes(10, size=(64, 96))[3]
    >>> scene.image.shape, int(scene.labels.max()) <= 3
    ((3, 64, 96), True)
    """

    classes = ("background", "circle", "square", "triangle")
    in_channels = 3
    least = (16, 16)

    def __init__(
        self,
        length: int = 200,
        *,
        size: tuple[int, int] = (96, 128),
        count: tuple[int, int] = (3, 8),
        noise: float = 0.04,
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        self.count = count
        self.noise = noise

    def draw(self, rng: np.random.Generator, name: str) -> Sample:
        """Paint the shapes one over the other."""
        h, w = self.size
        labels, instances = np.zeros((h, w), np.int64), np.zeros((h, w), np.int32)
        ground = rng.uniform(0.1, 0.6, (3, 1, 1))
        image = ground + 0.25 * clouds((h, w), rng)  # (3, H, W)
        for number in range(1, rng.integers(self.count[0], self.count[1], endpoint=True) + 1):
            kind = int(rng.integers(1, 4))
            mask = self._mask(kind, rng)
            colour = rng.uniform(0, 1, 3)
            while np.abs(colour - ground[:, 0, 0]).max() < 0.3:  # else it could not be seen
                colour = rng.uniform(0, 1, 3)
            image[:, mask] = colour[:, None] * (0.85 + 0.15 * clouds((h, w), rng)[mask])
            labels[mask], instances[mask] = kind, number
        image += self.noise * rng.standard_normal(image.shape)
        return Sample(
            np.clip(image, 0, 1).astype(np.float32), labels, renumber(instances), name=name
        )

    def _mask(self, kind: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
        """One shape: a circle, or a regular polygon turned at random, whose centre is inside."""
        h, w = self.size
        radius = rng.uniform(0.09, 0.24) * min(h, w)
        centre = rng.uniform((0, 0), (h - 1, w - 1))
        if kind == 1:
            return ellipse((h, w), centre, (radius, radius))
        corners = 4 if kind == 2 else 3
        angles = rng.uniform(0, 2 * math.pi) + 2 * math.pi * np.arange(corners) / corners
        spread = 1.15 * radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)  # (n, 2)
        return polygon((h, w), centre + spread)
