"""Two SVG files compared: those that a chapter's code makes with those that are kept.

The same release of matplotlib gives the same file. Numbers that come from training may differ a
little on another processor, and so may the pixels of images in a figure: up to `TOLERANCE`.
"""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image

from .comparing import same_output

TOLERANCE = 2.0  # points of a figure's coordinates
PIXELS = 6.0  # of 255, the mean difference of two images
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
MADE_BY = re.compile(r"Matplotlib v([\d.]+)")


def difference(made: Path, kept: Path) -> str:
    """Return in what a figure differs from the one that is kept; empty if in nothing.

    Of figures that different releases of matplotlib made, only that both are there is compared.
    """
    if not kept.exists():
        return "is not among the kept figures; write it with --write"
    new, old = made.read_text(encoding="utf-8"), kept.read_text(encoding="utf-8")
    if new == old:
        return ""
    releases = MADE_BY.findall(new), MADE_BY.findall(old)
    if releases[0] != releases[1]:
        return ""
    if not _same_images(EMBEDDED.findall(new), EMBEDDED.findall(old)):
        return "has other images than the kept one"
    if not same_output(EMBEDDED.sub("", new), EMBEDDED.sub("", old), TOLERANCE):
        return "is drawn otherwise than the kept one"
    return ""


def _same_images(new: list[str], old: list[str]) -> bool:
    if len(new) != len(old):
        return False
    for one, other in zip(map(_pixels, new), map(_pixels, old), strict=True):
        if one.shape != other.shape or np.abs(one - other).mean() > PIXELS:
            return False
    return True


def _pixels(encoded: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(encoded))) as image:
        return np.asarray(image.convert("RGBA"), float)
