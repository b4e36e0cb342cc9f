"""Generated data sets: endless, exact, and the same on every machine.

A generated scene is a function of a seed and an index. Scene i is therefore the same
whatever order scenes are asked in, no scene is kept in memory, and two data sets with
different seeds share none.
"""

from abc import abstractmethod

import numpy as np

from .sample import Dataset, Sample, check_index


class Generated(Dataset):
    """What generated data sets have in common: a subclass says how to draw one scene.

    Parameters
    ----------
    length : int
        Number of scenes.
    size : tuple of int
        Spatial shape of each.
    seed : int
        Which scenes; train and test with different seeds.

    Raises
    ------
    ValueError
        If the length is negative, the size has another number of axes than `least`, or an axis
        is shorter than there.

    Examples
    --------
    >>> class Noise(Generated):
    ...     classes, in_channels, least = ("background",), 1, (1, 1)
    ...
    ...     def draw(self, rng, name):
    ...         image = rng.random((1, *self.size), np.float32)
    ...         return Sample(image, np.zeros(self.size, np.int64), name=name)
    >>> noise = Noise(1000, (8, 8), seed=0)
    >>> bool((noise[999].image == noise[999].image).all())
    True
    """

    least: tuple[int, ...]

    def __init__(self, length: int, size: tuple[int, ...], seed: int) -> None:
        kind = type(self).__name__
        if length < 0:
            raise ValueError(f"{kind}: length={length}, expected 0 or more")
        if len(size) != len(self.least) or any(
            have < want for have, want in zip(size, self.least, strict=True)
        ):
            raise ValueError(f"{kind}: size={tuple(size)}, expected at least {self.least}")
        self.length = length
        self.size = tuple(int(n) for n in size)
        self.seed = seed

    def __len__(self) -> int:
        """Return the number of scenes."""
        return self.length

    def __getitem__(self, index: int) -> Sample:
        """Draw scene `index`."""
        index = check_index(self, index)
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(index,)))
        return self.draw(rng, f"{type(self).__name__.lower()} {index} of seed {self.seed}")

    @abstractmethod
    def draw(self, rng: np.random.Generator, name: str) -> Sample:
        """Draw one scene with the random numbers of `rng`."""
