"""Cells: a field of touching cells as a fluorescence microscope sees it.

Cells lie single and in clumps. Each is a disc whose radius wavers around the rim; where two
would overlap, the border runs where both are equally deep inside. The image is their glow,
blurred, on a ground that rises to one side, with noise.
"""

import math

import numpy as np

from .drawing import blur, clouds
from .generated import Generated
from .sample import Sample, renumber


class Cells(Generated):
    """Fields of cells with exact instances.

    Samples have one channel in 0…1 and the classes background and cell. Cells touch: their
    labels run together, and only instances tell them apart.

    Parameters
    ----------
    length : int
        Number of fields.
    size : (H, W)
        At least 16 × 16.
    radius : float
        Mean radius of a cell in pixels.
    density : float
        Share of the field that cells would cover, did they not overlap.
    noise : float
        Standard deviation of the noise.
    seed : int

    Examples
    --------
    >>> field = Cells(10, size=(80, 120))[2]
    >>> bool(((field.instances > 0) == (field.labels == 1)).all())
    True
    """

    classes = ("background", "cell")
    in_channels = 1
    least = (16, 16)

    def __init__(
        self,
        length: int = 200,
        *,
        size: tuple[int, int] = (128, 128),
        radius: float = 9.0,
        density: float = 0.35,
        noise: float = 0.04,
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        self.radius = radius
        self.density = density
        self.noise = noise

    def draw(self, rng: np.random.Generator, name: str) -> Sample:
        """Place the cells, then let them glow."""
        h, w = self.size
        y, x = np.ogrid[:h, :w]
        depth = np.ones((h, w))  # 0 in a cell's centre, 1 on its rim and outside
        instances = np.zeros((h, w), np.int32)
        glow = np.zeros((h, w))
        for number, (cy, cx) in enumerate(self._centres(rng), start=1):
            angle = np.arctan2(y - cy, x - cx)
            rim = np.full((h, w), self.radius * rng.uniform(0.8, 1.2))
            for waves, height in ((2, 0.18), (3, 0.07), (5, 0.03)):
                rim *= 1 + height * rng.uniform(0.3, 1) * np.cos(
                    waves * angle + rng.uniform(0, 2 * math.pi)
                )
            own = np.hypot(y - cy, x - cx) / rim
            mine = own < depth
            brightness = rng.uniform(0.3, 0.8)
            depth[mine], instances[mine] = own[mine], number
            glow[mine] = brightness * (1 - 0.35 * own[mine] ** 2)
        texture = 0.85 + 0.3 * clouds((h, w), rng, cells=max(2, int(max(h, w) / self.radius)))
        ground = 0.08 + 0.14 * clouds((h, w), rng, cells=2)
        image = ground + blur(glow * texture, 0.13 * self.radius)
        image += self.noise * rng.standard_normal((h, w)) * (0.6 + image)  # more light, more noise
        return Sample(
            np.clip(image, 0, 1).astype(np.float32)[None],
            (instances > 0).astype(np.int64),
            renumber(instances),
            name=name,
        )

    def _centres(self, rng: np.random.Generator) -> list[tuple[float, float]]:
        """Centres at least 1.4 radii apart, two of three beside one that is there already."""
        h, w = self.size
        wanted = max(1, round(self.density * h * w / (math.pi * self.radius**2)))
        centres: list[tuple[float, float]] = []
        for _ in range(20 * wanted):
            cy, cx = rng.uniform(0, h - 1), rng.uniform(0, w - 1)
            if centres and rng.random() < 2 / 3:
                (ny, nx), turn = centres[rng.integers(len(centres))], rng.uniform(0, 2 * math.pi)
                step = self.radius * rng.uniform(1.5, 1.9)
                cy, cx = ny + step * math.sin(turn), nx + step * math.cos(turn)
            apart = all(math.hypot(cy - ny, cx - nx) > 1.4 * self.radius for ny, nx in centres)
            if 0 <= cy < h and 0 <= cx < w and apart:
                centres.append((cy, cx))
            if len(centres) == wanted:
                break
        return centres
