"""How many objects were found: instances of prediction and truth, matched one to one.

An instance map gives each pixel the number of its object, 0 for background. A predicted object
is a true positive if its IoU with a true one is greater than ½; a prediction without such a
partner is a false positive, a true object without one a false negative.

No search for the best assignment is needed: each object has at most one partner. Were the
disjoint objects B and C both partners of A, |A∩B| > |A∪B| / 2 ≥ |A| / 2 and likewise for C, so
that |A∩B| + |A∩C| > |A|, which can't be (Kirillov et al. 2019, section 4.1). At exactly ½ it
can: two halves of one object are both at ½. The comparison is therefore strict.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import array_namespace


@dataclass(frozen=True)
class InstanceCounts:
    """Objects found, invented and missed; counts of several images add up.

    Parameters
    ----------
    true_positives, false_positives, false_negatives : int

    Examples
    --------
    >>> InstanceCounts(2, 1, 0) + InstanceCounts(1, 0, 2)
    InstanceCounts(true_positives=3, false_positives=1, false_negatives=2)
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0

    def __add__(self, other: InstanceCounts) -> InstanceCounts:
        return InstanceCounts(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
        )

    @property
    def precision(self) -> float:
        """Share of the predicted objects that are true: TP / (TP + FP), NaN if there are none."""
        return _divide(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the true objects that are found: TP / (TP + FN), NaN if there are none."""
        return _divide(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), the harmonic mean of both; NaN without any object."""
        errors = self.false_positives + self.false_negatives
        return _divide(2 * self.true_positives, 2 * self.true_positives + errors)


def match_instances(prediction: Any, target: Any, threshold: float = 0.5) -> InstanceCounts:
    """Count the objects on which two instance maps agree.

    Parameters
    ----------
    prediction, target : integer arrays of one shape
        Object of each pixel, 0 for background; the numbers need not follow one another.
    threshold : float
        IoU that a pair must exceed; at least 0.5, below which partners aren't unique.

    Returns
    -------
    InstanceCounts

    Raises
    ------
    ValueError
        If the shapes differ, a number is negative, or `threshold` is below 0.5 or not below 1.
    TypeError
        If a map isn't of integers.

    Examples
    --------
    >>> found = match_instances(np.array([1, 1, 0, 2]), np.array([5, 5, 5, 0]))
    >>> found
    InstanceCounts(true_positives=1, false_positives=1, false_negatives=0)
    >>> found.precision, found.recall
    (0.5, 1.0)
    """
    _check_maps(prediction, target, threshold)
    xp = array_namespace(target)
    predicted, p = _numbered(prediction)
    true, t = _numbered(target)
    pairs = xp.bincount(t * len(predicted) + p, minlength=len(true) * len(predicted))
    overlap = pairs.reshape(len(true), len(predicted))  # pixels of each pair, background included
    union = overlap.sum(axis=1, keepdims=True) + overlap.sum(axis=0, keepdims=True) - overlap
    object_pair = (true != 0)[:, None] & (predicted != 0)[None, :]
    hits = int(((overlap > threshold * union) & object_pair).sum())
    return InstanceCounts(hits, int((predicted != 0).sum()) - hits, int((true != 0).sum()) - hits)


def connected_components(mask: Any, connectivity: int = 1) -> tuple[Any, int]:
    """Number the connected regions of a mask.

    Parameters
    ----------
    mask : array of any dtype
        Foreground where it isn't zero.
    connectivity : int
        1: pixels touch by a face (4 neighbours in 2-D, 6 in 3-D); the number of axes: by a
        corner too (8, 26).

    Returns
    -------
    components : int32 array of the shape of `mask`
        0 for background, regions numbered from 1.
    count : int

    Raises
    ------
    ValueError
        If `connectivity` isn't between 1 and the number of axes.

    Examples
    --------
    >>> connected_components(np.array([[1, 0, 1], [0, 1, 1]]))
    (array([[1, 0, 2], [0, 2, 2]], dtype=int32), 2)
    """
    if not 1 <= connectivity <= mask.ndim:
        raise ValueError(
            f"connected_components: connectivity must be 1 to {mask.ndim}, the number of axes, "
            f"got {connectivity}"
        )
    if array_namespace(mask) is np:
        from scipy import ndimage
    else:
        from cupyx.scipy import ndimage
    structure = ndimage.generate_binary_structure(mask.ndim, connectivity)
    components, count = ndimage.label(mask != 0, structure)
    return components.astype(np.int32), int(count)


def _numbered(instances: Any) -> tuple[Any, Any]:
    """The numbers that occur, and the position of each pixel's among them."""
    numbers, position = array_namespace(instances).unique(instances, return_inverse=True)
    return numbers, position.ravel()


def _divide(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _check_maps(prediction: Any, target: Any, threshold: float) -> None:
    if not 0.5 <= threshold < 1:
        raise ValueError(
            f"match_instances: threshold must be at least 0.5 and less than 1, got {threshold}"
        )
    if prediction.shape != target.shape:
        raise ValueError(
            f"match_instances: prediction has shape {tuple(prediction.shape)} "
            f"but target has {tuple(target.shape)}"
        )
    for name, instances in (("prediction", prediction), ("target", target)):
        if instances.dtype.kind not in "iu":
            raise TypeError(
                f"match_instances: {name} has dtype {instances.dtype}, expected integers"
            )
        if instances.size and int(instances.min()) < 0:
            raise ValueError(f"match_instances: {name} holds {int(instances.min())}, expected ≥ 0")
