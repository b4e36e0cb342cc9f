"""The loss of the mask head: of each object, its own class's mask against the true one.

    loss_mask = mean over objects and pixels of BCE(logit[class of the object], true mask)

The true mask is cut out of the image by RoIAlign, like the features: box by box, on the mask's
grid. It isn't thresholded, so along an outline it lies between 0 and 1. The masks of all other
classes get no gradient (He et al. 2017, section 3).
"""

from __future__ import annotations

from typing import Any

from ... import ops
from ...backend import array_namespace
from ...nn import Module


class MaskLoss(Module):
    """Binary cross-entropy of each object's mask, of its class.

    Examples
    --------
    >>> import numpy as np
    >>> loss = MaskLoss()(np.zeros((1, 3, 2, 2)), np.array([2]), np.ones((1, 2, 2)))
    >>> loss.round(4)
    np.float64(0.6931)
    """

    def forward(self, logits: Any, labels: Any, target: Any) -> Any:
        """Return the loss.

        Parameters
        ----------
        logits : (P, K, S, S) float array
            A mask of each object for each class.
        labels : (P,) int64 array
            The objects' classes.
        target : (P, S, S) float array
            Their true masks, in 0 … 1.

        Returns
        -------
        () array
            0 if there is no object.
        """
        rows = array_namespace(logits).arange(len(labels))
        own = logits[rows, labels]  # (P, S, S)
        self.remember(logits.shape, rows, labels, own, target)
        return ops.bce_with_logits(own, target) if len(labels) else logits.dtype.type(0)

    def backward(self, dloss: Any = 1.0) -> Any:
        """Return the gradient with respect to the logits, (P, K, S, S).

        Parameters
        ----------
        dloss : float
            Gradient with respect to the loss.
        """
        shape, rows, labels, own, target = self.recall()
        dlogits = array_namespace(own).zeros(shape, own.dtype)
        dlogits[rows, labels] = ops.bce_with_logits_backward(dloss, own, target)
        return dlogits


def cut_masks(masks: Any, boxes: Any, matched: Any, size: int, *, aligned: bool = False) -> Any:
    """Cut the true mask of each box out of the image, on a grid of `size` × `size`.

    Parameters
    ----------
    masks : (M, H, W) array
        The objects' masks, 0 or 1.
    boxes : (P, 4) float array
        Boxes (x1, y1, x2, y2).
    matched : (P,) int64 array
        Index of each box's object.
    size : int
        Bins in height and in width.
    aligned : bool
        Of `ops.roi_align`; see `MultiScaleRoIAlign`.

    Returns
    -------
    (P, size, size) array of the dtype of `boxes`
        The share of each bin that belongs to the object.

    Notes
    -----
    With as many samples in a bin as it has pixels along each axis, as torchvision does.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.zeros((1, 8, 8), np.uint8)
    >>> mask[0, :, :3] = 1
    >>> cut_masks(mask, np.array([[0.0, 0.0, 4.0, 4.0]]), np.array([0]), 2)
    array([[[1.  , 0.25],
            [1.  , 0.25]]])
    """
    xp = array_namespace(boxes)
    if len(boxes) == 0:
        return xp.zeros((0, size, size), boxes.dtype)
    rois = xp.concatenate([matched[:, None].astype(boxes.dtype), boxes], axis=1)  # (P, 5)
    maps = xp.asarray(masks)[:, None].astype(boxes.dtype)  # (M, 1, H, W)
    return ops.roi_align(maps, rois, size, sampling_ratio=-1, aligned=aligned)[:, 0]
