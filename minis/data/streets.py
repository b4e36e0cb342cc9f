"""Streets: what a camera behind a windscreen sees, with a class for every pixel.

One point perspective: everything shrinks towards a vanishing point on the horizon. With
v = 0 at the horizon and 1 at the lower edge, a thing that stands on the ground at height v of
the picture has a size proportional to v. Far things are painted first.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .drawing import blur, clouds, ellipse, polygon, rectangle
from .generated import Generated
from .sample import IGNORE, Sample, renumber

SKY, BUILDING, ROAD, PAVEMENT, TREE, CAR, PERSON = range(7)


class Streets(Generated):
    """Street scenes in colour, in the manner of CamVid and Cityscapes.

    Samples have three channels in 0…1 and seven classes. Cars and persons are instances. Void,
    label `IGNORE`, are the bonnet of the camera's own car and the bins on the pavement, which
    belong to no class.

    Parameters
    ----------
    length : int
        Number of scenes.
    size : (H, W)
        At least 32 × 32.
    noise : float
        Standard deviation of the noise.
    seed : int

    Examples
    --------
    >>> scene = Streets(10, size=(96, 160))[4]
    >>> scene.image.shape, bool((scene.labels == 255).any())
    ((3, 96, 160), True)
    """

    classes = ("sky", "building", "road", "pavement", "tree", "car", "person")
    in_channels = 3
    least = (32, 32)

    def __init__(
        self,
        length: int = 200,
        *,
        size: tuple[int, int] = (96, 128),
        noise: float = 0.03,
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        self.noise = noise

    def draw(self, rng: np.random.Generator, name: str) -> Sample:
        """Paint from far to near."""
        canvas = _Canvas(self.size, rng)
        canvas.ground_and_sky()
        canvas.houses()
        things = [(canvas.tree, -1.0), (canvas.tree, 1.0), (canvas.bin, 1.0)]
        things += [(canvas.person, side) for side in rng.choice([-1.0, 1.0], rng.integers(1, 5))]
        things += [(canvas.car, side) for side in rng.choice([-1.0, 1.0], rng.integers(1, 4))]
        near = np.sort(rng.uniform(0.12, 0.75, len(things)))
        for v, which in zip(near, rng.permutation(len(things)), strict=True):
            paint, side = things[which]
            paint(float(v), float(side))
        canvas.bonnet()
        image = blur(canvas.image * (0.85 + 0.25 * clouds(self.size, rng)), 0.4)
        image += self.noise * rng.standard_normal(image.shape)
        return Sample(
            np.clip(image, 0, 1).astype(np.float32),
            canvas.labels,
            renumber(canvas.instances),
            name=name,
        )


class _Canvas:
    """The picture being painted, with its annotation."""

    def __init__(self, size: tuple[int, ...], rng: np.random.Generator) -> None:
        self.size, self.rng = size, rng
        h, w = size
        self.image = np.zeros((3, h, w))
        self.labels = np.zeros(size, np.int64)
        self.instances = np.zeros(size, np.int32)
        self.horizon = rng.uniform(0.38, 0.48) * h
        self.centre = rng.uniform(0.42, 0.58) * w
        self.depth = h - self.horizon  # rows of ground
        self.kerb = rng.uniform(0.42, 0.55) * w  # from the road's middle to its rim, at v = 1

    def paint(
        self,
        mask: npt.NDArray[np.bool_],
        colour: npt.ArrayLike,
        label: int,
        instance: int = 0,
    ) -> None:
        """Give the pixels of a mask a colour, a class and an object."""
        self.image[:, mask] = np.asarray(colour, float).reshape(3, -1)
        self.labels[mask], self.instances[mask] = label, instance

    def ground_and_sky(self) -> None:
        """Sky above the horizon; below it the road between two pavements."""
        y, x = np.mgrid[: self.size[0], : self.size[1]]
        v = (y - self.horizon) / self.depth
        blue = np.array([0.45, 0.65, 0.9]) * self.rng.uniform(0.8, 1.05)
        haze = np.clip(1 + v, 0, 1)[None]
        self.image[:] = blue[:, None, None] * (1 - haze) + 0.9 * haze
        grey = self.rng.uniform(0.5, 0.65)
        self.paint(v > 0, [grey, 0.95 * grey, 0.88 * grey], PAVEMENT)
        across = (x - self.centre) / np.maximum(v * self.kerb, 1e-6)
        dark = self.rng.uniform(0.25, 0.36)
        self.paint((v > 0) & (np.abs(across) < 1), [dark, dark, 1.05 * dark], ROAD)
        dash = (np.abs(across) < 0.03) & (1 / np.maximum(v, 0.02) % 1 < 0.5)
        self.paint((v > 0) & dash, [0.85, 0.85, 0.8], ROAD)

    def houses(self) -> None:
        """A row of facades on each side, running towards the vanishing point."""
        y, x = np.mgrid[: self.size[0], : self.size[1]]
        for side in (-1, 1):
            v = side * (x - self.centre) / (1.7 * self.kerb)  # where the facade meets the ground
            edges = np.cumsum(self.rng.uniform(0.1, 0.25, 20)) + 0.1
            for start, end in pairwise(edges):
                if self.rng.random() < 0.12:  # a gap, through which one sees the sky
                    continue
                height = self.rng.uniform(0.9, 2.0)  # of the house, in units of the camera's
                up = (self.horizon - y) / (self.depth * np.maximum(v, 1e-6))  # −1 is the ground
                facade = (start <= v) & (v < end) & (up > -1) & (up < height)
                wall = self.rng.uniform((0.45, 0.35, 0.25), (0.85, 0.7, 0.6))
                self.paint(facade, wall, BUILDING)
                floors = up * 2.2 % 1
                columns = 3 * (v - start) / (end - start) % 1
                window = facade & (up > -0.6) & (floors > 0.35) & (np.abs(columns - 0.5) < 0.25)
                self.paint(window, 0.45 * wall, BUILDING)

    def foot(self, v: float, across: float) -> tuple[float, float, float]:
        """Pixel (y, x) of a place on the ground, and the length of one metre or so there."""
        y = self.horizon + v * self.depth
        return y, self.centre + across * v * self.kerb, 0.42 * v * self.depth

    def tree(self, v: float, side: float) -> None:
        """A trunk and a crown of several leafy balls, between kerb and houses."""
        y, x, metre = self.foot(v, side * self.rng.uniform(1.1, 1.3))
        trunk = rectangle(self.size, y - 2.2 * metre, x - 0.12 * metre, y, x + 0.12 * metre)
        self.paint(trunk, [0.3, 0.2, 0.12], TREE)
        green = self.rng.uniform((0.1, 0.32, 0.08), (0.25, 0.5, 0.15))
        for _ in range(7):
            dy, dx = self.rng.normal(0, 0.45, 2) * metre
            radius = self.rng.uniform(0.45, 0.8) * metre
            ball = ellipse(self.size, (y - 2.8 * metre + dy, x + dx), (radius, radius))
            self.paint(ball, green * self.rng.uniform(0.75, 1.15), TREE)

    def person(self, v: float, side: float) -> None:
        """Legs, a body and a head, on the pavement."""
        y, x, metre = self.foot(v, side * self.rng.uniform(1.12, 1.5))
        number = int(self.instances.max()) + 1
        trousers, coat = self.rng.uniform(0.05, 0.35, 3), self.rng.uniform(0.1, 0.9, 3)
        skin = np.array([0.85, 0.65, 0.5]) * self.rng.uniform(0.5, 1.1)
        for step in (-0.13, 0.13):
            leg = [(y - 0.8 * metre, x - 0.1 * metre), (y - 0.8 * metre, x + 0.1 * metre)]
            leg += [(y, x + step * metre + 0.06 * metre), (y, x + step * metre - 0.06 * metre)]
            self.paint(polygon(self.size, leg), trousers, PERSON, number)
        body = ellipse(self.size, (y - 1.1 * metre, x), (0.42 * metre, 0.24 * metre))
        self.paint(body, coat, PERSON, number)
        head = ellipse(self.size, (y - 1.65 * metre, x), (0.17 * metre, 0.14 * metre))
        self.paint(head, skin, PERSON, number)

    def car(self, v: float, side: float) -> None:
        """Wheels, a body, a cabin with a window and two lamps, seen from before or behind."""
        y, x, metre = self.foot(v, side * self.rng.uniform(0.38, 0.55))
        number = int(self.instances.max()) + 1
        colour, black = self.rng.uniform(0.1, 0.9, 3), [0.06, 0.06, 0.07]
        for edge in (-0.62, 0.42):
            wheel = [y - 0.3 * metre, x + edge * metre, y, x + (edge + 0.2) * metre]
            self.paint(rectangle(self.size, *wheel), black, CAR, number)
        body = rectangle(
            self.size, y - 0.75 * metre, x - 0.7 * metre, y - 0.14 * metre, x + 0.7 * metre
        )
        self.paint(body, colour, CAR, number)
        for scale, paint in ((1.0, colour), (0.8, np.array([0.2, 0.25, 0.3]))):
            low, high = y - 0.75 * metre, y - (0.75 + 0.5 * scale) * metre
            wide, narrow = 0.62 * scale * metre, 0.45 * scale * metre
            cabin = [(low, x - wide), (low, x + wide), (high, x + narrow), (high, x - narrow)]
            self.paint(polygon(self.size, cabin), paint, CAR, number)
        lamp = self.rng.choice([[0.8, 0.1, 0.1], [1.0, 0.95, 0.7]])
        for edge in (-0.52, 0.52):
            spot = ellipse(self.size, (y - 0.52 * metre, x + edge * metre), (0.1 * metre,) * 2)
            self.paint(spot, lamp, CAR, number)

    def bin(self, v: float, side: float) -> None:
        """A bin on the pavement: void."""
        y, x, metre = self.foot(v, side * self.rng.uniform(1.1, 1.3))
        box = rectangle(self.size, y - 0.8 * metre, x - 0.2 * metre, y, x + 0.2 * metre)
        self.paint(box, self.rng.uniform(0.15, 0.4, 3), IGNORE)

    def bonnet(self) -> None:
        """The front of the camera's own car along the lower edge: void."""
        h, w = self.size
        front = ellipse(self.size, (1.06 * h, 0.5 * w), (0.16 * h, 0.55 * w))
        self.paint(front, self.rng.uniform(0.05, 0.3, 3), IGNORE)
