"""The noise of a magnetic resonance scanner.

    y = √((x + σ·n₁)² + (σ·n₂)²)

The signal has two components, each with normal noise, and the image shows its magnitude, which
makes the noise Rician (Gudbjartsson & Patz, *The Rician distribution of noisy MRI data*, 1995):
where there is no signal it doesn't average to zero.
"""

from dataclasses import replace

import numpy as np

from .sample import Sample


def rician_noise(sample: Sample, rng: np.random.Generator, *, sigma: float = 0.1) -> Sample:
    """Give an image the noise of a scanner.

    Parameters
    ----------
    sample : Sample
        Its image lies in 0…1.
    rng : numpy.random.Generator
    sigma : float
        Standard deviation of each component's noise, as a share of the brightest value.

    Returns
    -------
    Sample
        In 0…1; its labels are the given sample's.

    Raises
    ------
    ValueError
        If `sigma` is negative.

    Examples
    --------
    >>> dark = Sample(np.zeros((1, 99, 99), np.float32), np.zeros((99, 99), np.int64))
    >>> rician_noise(dark, np.random.default_rng(0)).image.mean().round(3)  # 0.1 · √(π/2)
    np.float32(0.125)
    """
    if not sigma >= 0:
        raise ValueError(f"rician_noise: sigma must not be negative, got {sigma}")
    first, second = (sigma * rng.standard_normal(sample.image.shape) for _ in range(2))
    y = np.clip(np.hypot(sample.image + first, second), 0, 1)
    return replace(sample, image=y.astype(np.float32))
