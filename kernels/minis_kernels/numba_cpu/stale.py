"""Forgetting compiled kernels whose sources have changed.

Numba caches a compiled function until the file that defines it changes. A kernel that calls
functions of another file would go on with their old code. So all of this folder's caches are
dropped when any of its sources differs from those they were compiled from.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

FOLDER = Path(__file__).parent


def forget_stale_caches(folder: Path = FOLDER) -> bool:
    """Delete the cached kernels of `folder` unless its sources are those of last time.

    Parameters
    ----------
    folder : Path
        A folder of sources; its caches lie in `__pycache__`.

    Returns
    -------
    bool
        Whether caches were deleted. A folder that can't be written is left as it is: an installed
        package's sources don't change.
    """
    digest = hashlib.sha256()
    for source in sorted(folder.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    caches = folder / "__pycache__"
    stamp = caches / "kernels.sha256"
    with contextlib.suppress(OSError):
        if stamp.exists() and stamp.read_text() == digest.hexdigest():
            return False
        caches.mkdir(exist_ok=True)
        for cached in [*caches.glob("*.nbi"), *caches.glob("*.nbc")]:
            cached.unlink(missing_ok=True)
        fresh = stamp.with_suffix(f".{os.getpid()}")
        fresh.write_text(digest.hexdigest())
        fresh.replace(stamp)
        return True
    return False
